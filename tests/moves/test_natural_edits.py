"""Edits next to what a level adds merge without a conflict.

Dependency bots, services, table rows and settings: a conflict remains only where both sides
changed the same thing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from extensions.stages import Combination
from tests.support.edits import Files, lines
from tests.support.matrix import ALL
from tests.support.mover import mover
from tests.support.project import render

MOVES = [
    (Combination(1), Combination(2)),
    (Combination(2), Combination(3)),
    (Combination(3), Combination(4)),
    (Combination(1), Combination(4)),
    (Combination(2), Combination(2, ALL)),
    (Combination(1), Combination(4, ALL)),
]


@dataclass(frozen=True)
class Edit:
    """What a team, or its bot, does to every file whose path matches."""

    name: str
    paths: str
    apply: Callable[[str], str]


def substituted(pattern: str, by: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, by, text, flags=re.MULTILINE)


def above(line: str, added: str) -> Callable[[str], str]:
    """Add text above the first line that begins so."""
    return lambda text: re.sub(f"^(?={re.escape(line)})", added, text, count=1, flags=re.MULTILINE)


def below(line: str, added: str) -> Callable[[str], str]:
    """Add text below the first line that begins so."""
    pattern = f"^{re.escape(line)}.*\n"
    return lambda text: re.sub(
        pattern, lambda found: found.group() + added, text, count=1, flags=re.MULTILINE
    )


def at_the_end(added: str) -> Callable[[str], str]:
    return lambda text: text.rstrip("\n") + "\n" + added


def below_the_last(pattern: str, added: str) -> Callable[[str], str]:
    """Add text below the last line that matches."""

    def apply(text: str) -> str:
        found = [*re.finditer(f"{pattern}\n", text, re.MULTILINE)]
        return text[: found[-1].end()] + added + text[found[-1].end() :] if found else text

    return apply


PROJECTS = r"(.*/)?pyproject\.toml"
DIGEST = "@sha256:" + "0123abcd" * 8
COMPOSE = r"docker-compose\.(prod|test|dev)\.yml"
SERVICE = "\n  mailer:\n    image: example/mailer:1\n"

EDITS = [
    Edit(
        "all requirements, by a bot",
        PROJECTS,
        substituted(r'(">|[a-z\]])>=([0-9.]+)"', r'\1>=\2.1"'),
    ),
    Edit(
        "all images of Dockerfiles, by a bot",
        r".*Dockerfile",
        substituted(r"^(FROM \S+:\S+)", r"\1" + DIGEST),
    ),
    Edit(
        "all images of Compose, by a bot",
        r".*compose.*\.yml",
        substituted(r"^( +image: [a-z/]+:[a-z0-9.-]+)$", r"\1" + DIGEST),
    ),
    Edit(
        "all actions, by a bot",
        r"\.github/workflows/.*",
        substituted(r"^( +(?:- )?uses: \S+@)\S+", r"\g<1>v99"),
    ),
    Edit(
        "the first dependency of development",
        r"pyproject\.toml",
        below("dev = [", '    "aiosqlite",\n'),
    ),
    Edit(
        "the last dependency of development",
        r"pyproject\.toml",
        below('    "ruff', '    "types-redis",\n'),
    ),
    Edit(
        "a group of dependencies",
        r"pyproject\.toml",
        above("[tool.coverage.report]", 'docs = ["mkdocs"]\n\n'),
    ),
    Edit("the first dependency of a service", PROJECTS, below("dependencies = [", '    "aaa",\n')),
    Edit("a service at the end", COMPOSE, at_the_end(SERVICE)),
    Edit(
        "a secret at the end",
        r"docker-compose\.prod\.yml",
        at_the_end("  mailer_key:\n    file: secrets/mailer_key\n"),
    ),
    Edit(
        "an include above the seam",
        r"docker-compose\.yml",
        above("  # stagecraft: levels", "  - services/mailer/compose.yml\n"),
    ),
    Edit(
        "a file of rules",
        r"infrastructure/prometheus/prometheus\.yml",
        below("  - /etc/prometheus/alerts.yml", "  - /etc/prometheus/ours.yml\n"),
    ),
    Edit(
        "a job of Prometheus",
        r"infrastructure/prometheus/prometheus\.yml",
        at_the_end(
            '\n  - job_name: mailer\n    static_configs:\n      - targets: ["mailer:8000"]\n'
        ),
    ),
    Edit(
        "memory of PostgreSQL",
        r"infrastructure/postgres/compose\.yml",
        above("    environment:", "    shm_size: 256m\n"),
    ),
    Edit(
        "a published PostgreSQL",
        r"infrastructure/postgres/compose\.yml",
        above("    volumes:", '    ports:\n      - "127.0.0.1:5432:5432"\n'),
    ),
    # Services have theirs in their images from level 3 on.
    Edit(
        "the interval of a healthcheck",
        r"infrastructure/.*/compose\.yml",
        substituted(r"^( +)(interval|start_interval): \S+", r"\1\2: 7s"),
    ),
    Edit("quoted ports", r"services/.*/compose\.yml", substituted(r"^( +- )(127\S+)$", r'\1"\2"')),
    Edit(
        "another dependency of a service",
        r"services/.*/compose\.yml",
        below("    depends_on:", "      mailer:\n        condition: service_started\n"),
    ),
    Edit(
        "an environment variable",
        r"services/.*/compose\.yml",
        below("    environment:", "      MAILER_URL: http://mailer:8000\n"),
    ),
    Edit(
        "another URL",
        r"services/.*/compose\.yml",
        substituted(r"^( +DATA_SERVICE_URL:) .*", r"\1 http://data:8001"),
    ),
    Edit(
        "a setting above the seam", r"\.env\.example", above("# stagecraft:", "MAILER_PORT=8025\n")
    ),
    Edit(
        "another value",
        r"\.env\.example",
        substituted(r"^(SENTRY_ENVIRONMENT|LOG_LEVEL)=.*", r"\1=OTHER"),
    ),
    Edit(
        "the last row of each table",
        r"(AGENTS|README)\.md|docs/.*\.md",
        substituted(r"^(\|.*\|)\n(?!\|)", r"\1\n| `ours` | Our own row |\n"),
    ),
    Edit(
        "a row among the commands",
        r"AGENTS\.md",
        below("| `make format`", "| `make ours` | Our own target |\n"),
    ),
    Edit("ignored files", r"\.(git|docker)ignore", at_the_end("/dist/\n*.sqlite\n")),
    Edit("ignored files at the begin", r"\.(git|docker)ignore", lambda text: "/dist/\n" + text),
    Edit("a target at the end", r"make/.*\.mk", at_the_end("\nours: ## Ours\n\t@echo ours\n")),
    Edit(
        "a rule for ruff",
        r"pyproject\.toml",
        below('"**/__main__.py"', '"scripts/**" = ["T201"]\n'),
    ),
    Edit(
        "a hook",
        r"\.pre-commit-config\.yaml",
        at_the_end(
            "  - repo: local\n    hooks:\n      - id: ours\n        name: ours\n"
            "        entry: make ours\n        language: system\n"
        ),
    ),
]


# Level 4 builds the image of PostgreSQL, so a pinned one is changed by both sides.
TRUE_CONFLICTS = {("all images of Compose, by a bot", "infrastructure/postgres/compose.yml")}


@cache
def rendered(combination: Combination, folder: Path) -> Any:
    """A project's files, rendered once in each process."""
    return mover.read_tree(render(folder / str(combination), combination))


def edited(base: Any, *edits: Edit) -> Any:
    """Return a project's files as a team has them that made these edits."""
    team = dict(base)
    for edit in edits:
        for path, file in team.items():
            if file.is_text and re.fullmatch(edit.paths, path):
                text = edit.apply(file.content.decode())
                team[path] = mover.File(file.mode, text.encode())
    return team


def faults(base: Any, team: Any, found: Any) -> list[str]:
    """Return the edits that are lost, and what is set twice."""
    wrong = []
    for path in found.changed.keys() & base.keys():
        added, now = {*lines(team[path])} - {*lines(base[path])}, lines(found.changed[path])
        wrong += [f"{path} lacks {line!r}" for line in added if line not in now]
    left = mover.problems(found, Files(team))
    # All files of a purpose define the new service in the test of all edits.
    return wrong + [each for each in left if "is defined in" not in each]


@pytest.mark.parametrize(("low", "high"), MOVES, ids=lambda each: str(each))
def test_all_neighbouring_edits_together_merge(
    low: Combination, high: Combination, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "natural"
    base, new = rendered(low, folder), rendered(high, folder)
    team = edited(base, *EDITS)
    found = mover.merge(base, new, Files(team))
    assert len(found.changed.keys() & base.keys()) > 5
    assert set(found.conflicts) <= {path for _, path in TRUE_CONFLICTS}
    assert found.settled
    assert not faults(base, team, found)


@pytest.mark.full
@pytest.mark.parametrize("edit", EDITS, ids=lambda each: each.name)
def test_each_neighbouring_edit_merges(
    edit: Edit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "natural"
    for low, high in MOVES:
        base, new = rendered(low, folder), rendered(high, folder)
        team = edited(base, edit)
        found = mover.merge(base, new, Files(team))
        conflicts = {(edit.name, path) for path in found.conflicts}
        assert conflicts <= TRUE_CONFLICTS, f"{low} to {high}"
        assert not faults(base, team, found), f"{low} to {high}"

"""The template's files, the claims of the rules, and the specification agree."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.stages import ROOT, Combination, load, matches, template_files

RULES = load()
SPECIFICATION: dict[str, Any] = yaml.safe_load((ROOT / "tests/specification.yml").read_text())
FILES = sorted(template_files())
COMBINATIONS = RULES.combinations()
RENDERED = {combination: RULES.rendered(combination) for combination in COMBINATIONS}


def asked() -> list[tuple[str, str | None, int, str]]:
    """Each path of the specification, with the stage, the module and the level that brings it."""
    found: list[tuple[str, str | None, int, str]] = []
    for section in ("stages", "modules"):
        for name, levels in SPECIFICATION[section].items():
            module = name if section == "modules" else None
            for level, wants in levels.items():
                documents = [f"docs/{document}" for document in wants.get("documents", [])]
                paths = chain(documents, wants.get("artifacts", []))
                found += [(name, module, level, path) for path in paths]
    return found


def is_pending(name: str, level: int) -> bool:
    """Whether a stage at a level, or a module, is not built yet."""
    pending = SPECIFICATION["pending"]
    return name in pending["modules"] or level in pending["stages"].get(name, [])


def test_every_file_is_claimed() -> None:
    assert [path for path in FILES if not RULES.claimants(path)] == []


def test_every_claim_matches_a_file() -> None:
    claims = {claim for rule in RULES.rules for claim in rule.claims}
    assert [c for c in sorted(claims) if not any(matches(c, path) for path in FILES)] == []


def test_every_capability_is_needed() -> None:
    needed = {name for rule in RULES.rules for name in rule.needs}
    assert needed == {rule.capability for rule in RULES.capabilities}


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_a_library_is_named_once_for_a_project_that_is_there(combination: Combination) -> None:
    named = [
        (folder, re.split(r"[\[<>=]", library)[0])
        for rule in RULES.rules
        if RULES.active(rule, combination)
        for folder, libraries in rule.libraries
        for library in libraries
    ]
    assert len(named) == len(set(named))
    # One without a version is a project of the workspace.
    bare = {name for rule in RULES.rules for _, names in rule.libraries for name in names
            if not re.search("[<>=]", name)}  # fmt: skip
    assert {f"shared/{name}/pyproject.toml" for name in bare} <= set(FILES)
    projects = {(Path(folder) / "pyproject.toml").as_posix() for folder, _ in named}
    assert projects <= RENDERED[combination]


def test_no_claim_of_a_rule_is_repeated() -> None:
    for rule in RULES.rules:
        assert len(rule.claims) == len(set(rule.claims)), rule


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_a_claim_inside_another_is_never_rendered_without_it(combination: Combination) -> None:
    # Copier leaves out a folder with all that is in it, so nothing inside may be wanted.
    left_out = RULES.excluded_claims(combination)
    for path in RENDERED[combination]:
        assert [claim for claim in left_out if matches(claim, path)] == [], path


@pytest.mark.parametrize(
    ("module", "level", "path"),
    [(module, level, path) for name, module, level, path in asked() if not is_pending(name, level)],
)
def test_what_the_specification_asks_is_there_from_its_level_on(
    module: str | None, level: int, path: str
) -> None:
    # A path that something else brings earlier is there earlier, and that is right.
    earlier = [
        (other_module, other_level)
        for other, other_module, other_level, other_path in asked()
        if other_path == path and not is_pending(other, other_level)
    ]
    for combination in COMBINATIONS:
        wanted = any(
            (m is None or m in combination.modules) and n <= combination.level for m, n in earlier
        )
        there = any(
            matches(either, file) for either in path.split(" or ") for file in RENDERED[combination]
        )
        assert there == wanted, f"{path} at {combination}"


@pytest.mark.parametrize(
    "path", sorted({path for name, _, level, path in asked() if is_pending(name, level)})
)
def test_what_is_pending_is_not_there_yet(path: str) -> None:
    built = [p for name, _, n, p in asked() if p == path and not is_pending(name, n)]
    if not built:
        found = [e for e in path.split(" or ") for file in FILES if matches(e, file)]
        assert found == [], "no longer pending: say so"


def test_the_rules_name_exactly_the_documents_of_the_specification() -> None:
    for rule in RULES.rules:
        if rule.answer or rule.beside:
            continue  # no document depends on an answer, or on a second module
        section = SPECIFICATION["modules" if rule.module else "stages"]
        wanted = section.get(rule.module or rule.stage, {}).get(rule.level, {})
        if is_pending(rule.module or rule.stage, rule.level):
            assert rule.documents == (), "no longer pending: say so"
        else:
            assert rule.documents == tuple(wanted.get("documents", [])), rule


# Words that a page may use only from a level on. "Not at this level" is a mention too: a reader of
# level 1 need not know the word.
WORDS = {
    2: [
        r"structlog", r"structured log", r"JSON log", r"request[- ]id", r"X-Request-ID", r"sentry",
        r"/health\b", r"/ready\b", r"health ?check", r"(?<!/)conftest", r"testcontainers",
        r"integration test", r"docker-compose\.(dev|test)", r"bandit", r"pip-audit", r"pre-commit",
    ],
    3: [
        r"multi-?stage", r"nginx", r"\bTLS\b", r"\bSSL\b", r"prometheus", r"grafana", r"/metrics",
        r"docker-compose\.prod", r"load test", r"locust", r"rate limit", r"pool_size", r"pre_ping",
    ],
    4: [
        r"oauth", r"\bJWT\b", r"\bRBAC\b", r"jaeger", r"opentelemetry", r"elasticsearch",
        r"kibana", r"logstash", r"circuit breaker", r"replication", r"standby", r"vault",
        r"audit log", r"chaos",
    ],
}  # fmt: skip


def level_of(document: str) -> int:
    return min(rule.level for rule in RULES.rules if document in rule.documents)


@pytest.mark.parametrize(
    "document", sorted({document for rule in RULES.rules for document in rule.documents})
)
def test_a_page_speaks_of_its_level_only(document: str) -> None:
    text = template_files()[f"docs/{document}"].read_text()
    for level, words in WORDS.items():
        if level > level_of(document):
            found = re.findall("|".join(words), text, flags=re.IGNORECASE)
            assert found == [], f"{document} is of level {level_of(document)}"


@pytest.mark.parametrize(
    "document",
    sorted(
        {
            document
            for rule in RULES.rules
            for document in rule.documents
            if document.startswith("atomic/")
        }
    ),
)
def test_a_page_has_its_four_parts(document: str) -> None:
    text = template_files()[f"docs/{document}"].read_text()
    assert re.findall(r"^## (.*)$", text, flags=re.MULTILINE) == [
        "What",
        "Where",
        "How to change it",
        "What to avoid",
    ]
    assert len(text.splitlines()) >= 20

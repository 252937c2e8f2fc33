"""Law 6, green: a generated project passes its own `make verify`, and `make verify` can fail."""

import json
import re
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker
from tests.support.matrix import RULES, covering
from tests.support.project import Project, start

ROWS = [
    pytest.param(combination, python, id=f"{combination}-{python}")
    for combination, python in covering(3)
]
TRANSITIONS = ["4.1 -> 4.2", "4.2 -> 4.3", "4.3 -> 4.4", "4.4 -> 4.5", "4.5 -> 4.6", "4.6 -> 4.7",
               "4.7 -> 4.8", "4.8 -> 5"]  # fmt: skip


def in_order(output: str) -> list[str]:
    """The transitions that `make verify` printed, each once."""
    return list(
        dict.fromkeys(re.findall(r"^\w+ +(4\.\d -> [45](?:\.\d)?)  ", output, re.MULTILINE))
    )


def no_stack_is_left(project: Project) -> bool:
    """Whether `make verify` removed the stack that it made, and changed nothing that git sees."""
    return project.git("status", "--porcelain").strip() in {"", "?? uv.lock"}


@pytest.mark.parametrize(("combination", "python"), ROWS)
def test_make_verify_is_green(tmp_path: Path, combination: Combination, python: str) -> None:
    require_docker()
    folder = tmp_path / f"green-{combination}-{python.replace('.', '')}"
    project = start(folder, combination, {"python_version": python})
    done = project.make("verify")
    assert "FAILED" not in done.stdout
    assert in_order(done.stdout) == TRANSITIONS
    assert no_stack_is_left(project)

    level = RULES.levels[combination.level]
    report = project.read("reports/qa-report.md")
    assert f"level {level.number}, {level.name}" in report
    assert f"asks for: {level.coverage} %" in report
    assert re.search(r"- Tests: \d+ run, 0 failed, 0 skipped", report)
    assert "- Not requested: 4.4 Background Workers" in report
    assert "- The way up: make upgrade" in report
    covered = json.loads(project.read("reports/coverage.json"))["totals"]["percent_covered"]
    assert covered >= level.coverage


BREAKS = {
    "a service": (
        "services/business_api/src/business_api/main.py",
        "= create_app(",
        "= create(",
        3,
    ),
    "the migrations": (
        "services/data_postgres_api/migrations/versions/core/0001_orders.py",
        "down_revision: str | Sequence[str] | None = None",
        'down_revision: str | Sequence[str] | None = "lost"',
        1,
    ),
    "an API": (
        "services/data_postgres_api/src/data_postgres_api/orders/repository.py",
        "return stored, False",
        "return stored, True",
        2,
    ),
    "types": (
        "services/business_api/src/business_api/orders/use_cases.py",
        '-> Order:\n    """Store',
        '-> int:\n    """Store',
        6,
    ),
    "a rule": (
        "services/business_api/src/business_api/orders/entities.py",
        "if target not in allowed",
        "if target in ()",
        3,
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_make_verify_stops_at_what_is_broken(tmp_path: Path, broken: str) -> None:
    require_docker()
    project = start(tmp_path / f"broken-{list(BREAKS).index(broken)}", Combination(1))
    path, old, new, gate = BREAKS[broken]
    text = project.read(path)
    assert old in text
    (project.path / path).write_text(text.replace(old, new, 1))
    done = project.make("verify", check=False)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if re.match(r"(passed|skip|FAILED) ", line)]
    assert lines[-1].startswith("FAILED")
    assert len(lines) == gate
    report = project.read("reports/qa-report.md")
    assert "FAILED" in report
    assert "Not run, because an earlier gate failed: nothing" not in report


def test_coverage_is_a_gate(tmp_path: Path) -> None:
    project = start(tmp_path / "covered", Combination(1))
    for tests in ("business_api/tests/unit", "data_postgres_api/tests/unit"):
        for file in (project.path / "services" / tests).glob("test_*.py"):
            file.unlink()
    for file in (project.path / "shared/chassis/tests/unit").glob("test_*.py"):
        file.unlink()
    done = project.make("test", check=False)
    assert done.returncode != 0
    assert "Required test coverage of 60.0% not reached" in done.stdout + done.stderr

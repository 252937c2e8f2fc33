"""A project with a domain of its own passes `make verify`, its load test and both drills."""

from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.domain import replace_example, write_policy
from tests.support.matrix import ALL, RULES
from tests.support.project import Project, start


@pytest.fixture
def replaced(tmp_path: Path) -> Project:
    require_docker()
    project = start(tmp_path / "tickets", Combination(1))
    replace_example(project)
    project.make("setup")
    project.commit("Tickets in the place of orders")
    return project


def test_make_verify_is_green_at_level_1(replaced: Project) -> None:
    said = replaced.make("verify").stdout
    assert "FAILED" not in said
    assert "passed 4.3 -> 4.4  the business service's API works" in said
    replaced.git("rm", "--quiet", "journey.py")
    report = verified(replaced)
    assert "the business service's API works: not proven without journey.py | skip" in report


@pytest.mark.full
def test_everything_works_at_the_highest_level(replaced: Project) -> None:
    for level in range(2, RULES.highest + 1):
        replaced.move(Combination(level, ALL))
        replaced.commit(f"Level {level}")
    write_policy(replaced)
    replaced.make("lock")
    replaced.write(".env", "GATEWAY_HOSTS=shop.example\n")
    with stack(replaced) as running:
        running.up()
        replaced.make("baseline", environment=running.environment)
    replaced.commit("The policy, the lock and the baseline")
    report = verified(replaced)
    assert "not proven without make/smoke_workers.py | skip" in report
    for drill in ("failover", "restore"):
        replaced.make(f"drill-{drill}")
        assert replaced.read(f"reports/drill-{drill}.md").count("\n| ") >= 3


def verified(project: Project) -> str:
    """Run `make verify` and return its report."""
    assert "FAILED" not in project.make("verify").stdout
    return project.read("reports/qa-report.md")

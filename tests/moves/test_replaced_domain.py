"""A team that has replaced the example moves as every other: nothing of the example comes back."""

import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.moves.test_edits_survive import conflicts
from tests.support.domain import (
    TICKETS,
    remove_example,
    replace_example,
    tickets_of,
    write_policy,
)
from tests.support.matrix import ALL, FULL, RULES
from tests.support.project import Project, empty_directories, outer_environment, start

TARGETS = [
    Combination(level, modules)
    for level in range(1, RULES.highest + 1)
    for modules in RULES.sets_of_modules()
]
# Levels without modules, all modules at the lowest and the highest level, and each by itself.
TAKEN = [each for each in TARGETS if each.modules in (frozenset(), ALL) or each.level == 1]
WAYS = [
    (low, high)
    for low in (Combination(1), Combination(2))
    for high in (
        TARGETS if FULL else TAKEN if low.level == 1 else [Combination(RULES.highest, ALL)]
    )
    if high.level >= low.level and high != low
]
# Those after which lint, types and unit tests run.
CHECKED = {Combination(2), Combination(RULES.highest, ALL)} | (set(TARGETS) if FULL else set())


def of_example(project: Project) -> list[str]:
    """The files of the example that are there."""
    found = project.git("ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    ours = {str(path.relative_to(TICKETS)) for path in TICKETS.rglob("*")}
    return [
        path
        for path in found
        if RULES.of_example(path) and path not in ours and (project.path / path).exists()
    ]


def is_green(project: Project) -> None:
    """Fail unless lint, types and unit tests pass."""
    project.make("lint")
    unit = [str(project.path / ".venv/bin/pytest"), "--no-cov", "services", "shared"]
    done = subprocess.run(
        unit, cwd=project.path, env=outer_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "skipped" not in done.stdout


@pytest.mark.parametrize(
    ("low", "high"), [pytest.param(*way, id="-".join(map(str, way))) for way in WAYS]
)
def test_a_replaced_domain_moves(tmp_path: Path, low: Combination, high: Combination) -> None:
    project = start(tmp_path / "project", low)
    replace_example(project)
    project.commit("Tickets in the place of orders")
    before = tickets_of(project.path)
    found = project.move(high)
    assert conflicts(project) == []
    assert not found.settled
    assert of_example(project) == []
    assert tickets_of(project.path) == before
    assert empty_directories(project.path) == []
    assert found.untrue == []
    if high.level == RULES.highest:
        write_policy(project)
    if low.level == 1 and high in CHECKED:
        is_green(project)


@pytest.mark.parametrize("high", [Combination(RULES.highest, ALL), Combination(1, ALL)], ids=str)
def test_a_removed_example_stays_removed(tmp_path: Path, high: Combination) -> None:
    project = start(tmp_path / "project", Combination(1))
    remove_example(project)
    project.commit("Without the example")
    project.move(high)
    assert conflicts(project) == []
    assert of_example(project) == []


def test_leftovers_of_the_example_are_the_teams(tmp_path: Path) -> None:
    """Files that a team kept, or edited, when it replaced the rest."""
    kept = "shared/contracts/src/contracts/money.py"
    project = start(tmp_path / "project", Combination(1))
    text = project.read(kept)
    replace_example(project)
    project.write(kept, text.replace("9.90", "4.50"))
    project.commit("Tickets, with money")
    project.move(Combination(2, frozenset({"rabbitmq"})))
    assert conflicts(project) == []
    assert project.read(kept) == text.replace("9.90", "4.50")
    assert of_example(project) == [kept]


def test_the_way_back_keeps_a_replaced_domain(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    replace_example(project)
    project.commit("Tickets in the place of orders")
    before = tickets_of(project.path)
    project.move(Combination(RULES.highest, ALL))
    assert of_example(project) == []
    project.commit("Level 4 with everything")
    project.move(Combination(1), {"allow_removal": True, **dict.fromkeys(ALL, False)})
    assert conflicts(project) == []
    assert of_example(project) == []
    assert tickets_of(project.path) == before

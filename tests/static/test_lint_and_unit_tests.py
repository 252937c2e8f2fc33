"""A fresh project passes `make lint` and its unit tests, whatever it was asked for."""

import shutil
import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.matrix import ALL, BARE, FULL, PYTHONS, RULES, covering
from tests.support.project import Project, outer_environment, start
from tests.support.verified import PRINTED

ROWS = [row for row in covering(2) if FULL or row not in PRINTED]


def is_looked_at_here(combination: Combination, python: str) -> bool:
    """Whether no other test looks at as much.

    `test_make_verify.py` looks at all modules. Level 3 without one has all that level 2 has, and
    a row with two modules all that a row with one of them has.
    """
    if not combination.modules:
        return combination.level == RULES.highest or python != PYTHONS[-1]
    others = {other.modules for other, _ in ROWS if other.level == combination.level} - {ALL}
    return combination.modules != ALL and not any(combination.modules < other for other in others)


NEUTRAL = (
    BARE
    if FULL
    else [
        Combination(1, example=False),
        Combination(2, example=False),
        Combination(RULES.highest, ALL, example=False),
    ]
)
# By Python, so that the environment is made once for each.
LOOKED_AT = sorted(
    [
        *(row for row in ROWS if FULL or is_looked_at_here(*row)),
        *((combination, PYTHONS[-1]) for combination in NEUTRAL),
    ],
    key=lambda row: row[1],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one project after the other is rendered, over the environment of the last."""
    return tmp_path_factory.mktemp("lint") / "shop"


def render_again(folder: Path, combination: Combination, python: str) -> Project:
    """Put a fresh project in the place of the last one; the environment and the lock stay."""
    kept = {".venv", "uv.lock", ".ruff_cache"}
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return start(folder, combination, {"python_version": python})


@pytest.mark.parametrize(
    ("combination", "python"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in LOOKED_AT],
)
def test_lint_and_unit_tests_pass(folder: Path, combination: Combination, python: str) -> None:
    project = render_again(folder, combination, python)
    project.make("lint")
    if combination.level == 1:
        # Level 1 has unit tests alone, so the coverage that it asks for can be seen without Docker.
        project.make("test")
        return
    unit = [str(project.path / ".venv/bin/pytest"), "--no-cov", "services", "shared"]
    done = subprocess.run(
        unit, cwd=project.path, env=outer_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    if combination.level == RULES.highest:
        project.make("pipelines")
        project.make("papers")

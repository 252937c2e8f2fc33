"""A fresh project passes `make lint` and its unit tests, whatever it was asked for."""

import shutil
import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.matrix import ALL, FULL, PYTHONS, RULES, covering
from tests.support.project import Project, outer_environment, start
from tests.support.verified import PRINTED

COVERED = [
    pytest.param(combination, python, id=f"{combination}-{python}")
    for combination, python in covering(2)
    if FULL or (combination, python) not in PRINTED
]


def is_looked_at_here(combination: Combination, python: str) -> bool:
    """Whether no other test looks at it.

    `test_edits_survive.py` does at what has no modules, on a way up; `test_make_verify.py` does
    where there is most, with the other Python.
    """
    if not combination.modules:
        return python != PYTHONS[-1]
    return combination.modules != ALL


# By Python, so that the environment is made once for each.
LOOKED_AT = sorted(
    (row for row in COVERED if FULL or is_looked_at_here(*row.values)),  # type: ignore[arg-type]
    key=lambda row: str(row.values[1]),
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


@pytest.mark.parametrize(("combination", "python"), LOOKED_AT)
def test_lint_and_unit_tests_pass(folder: Path, combination: Combination, python: str) -> None:
    project = render_again(folder, combination, python)
    project.make("lint")
    unit = [str(project.path / ".venv/bin/pytest"), "--no-cov", "services", "shared"]
    done = subprocess.run(
        unit, cwd=project.path, env=outer_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    if combination.level == RULES.highest:
        project.make("pipelines")
        project.make("papers")

"""An updated project is, byte for byte, the one that a new copy would render."""

from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.matrix import BARE, PYTHONS, moves
from tests.support.project import empty_directories, files_of, render, start

PAIRS = [
    pytest.param(low, high, PYTHONS[index % len(PYTHONS)], id=f"{low}-{high}")
    for index, (low, high) in enumerate(moves())
]
WITHOUT_EXAMPLE = [pytest.param(BARE[0], BARE[-1], PYTHONS[0], id=f"{BARE[0]}-{BARE[-1]}")]


@pytest.mark.parametrize(("low", "high", "python"), PAIRS + WITHOUT_EXAMPLE)
def test_moves_up_and_down_equal_fresh_renders(
    tmp_path: Path, low: Combination, high: Combination, python: str
) -> None:
    answers = {"python_version": python}
    project = start(tmp_path / "project", low, answers)
    at_the_start = files_of(project.path)
    project.update(high)
    moved = files_of(project.path)
    assert moved == files_of(render(tmp_path / "fresh", high, answers))
    project.commit("Moved up")
    gone = dict.fromkeys(high.modules - low.modules, False)
    # Removal needs `allow_removal`.
    with pytest.raises(ValueError, match="allow_removal=true"):
        project.update(low, gone)
    assert files_of(project.path) == moved
    project.update(low, {"allow_removal": True, **gone})
    assert files_of(project.path) == at_the_start
    assert empty_directories(project.path) == []


def test_the_word_is_needed_whatever_the_folder_is_called(tmp_path: Path) -> None:
    project = start(tmp_path / "[shop]* ?", Combination(2))
    with pytest.raises(ValueError, match="allow_removal=true"):
        project.update(Combination(1))


def test_the_answers_can_change_without_a_move(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    answers = {"project_name": "Tea House", "python_version": "3.12"}
    project.update(Combination(1), answers)
    anew = render(tmp_path / "anew", Combination(1), answers)
    assert files_of(project.path) == files_of(anew)


@pytest.mark.parametrize(("old", "new"), [("github", "gitlab"), ("gitlab", "github")])
def test_other_pipelines_need_the_word_and_take_the_place_of_those_before(
    tmp_path: Path, old: str, new: str
) -> None:
    project = start(tmp_path / "project", Combination(4, ci_provider=old))
    before = files_of(project.path)
    with pytest.raises(ValueError, match=f"would take their place.*CI_PROVIDER={new} REMOVE=yes"):
        project.update(Combination(4, ci_provider=new))
    assert files_of(project.path) == before
    project.update(Combination(4, ci_provider=new), {"allow_removal": True})
    anew = render(tmp_path / "anew", Combination(4, ci_provider=new))
    assert files_of(project.path) == files_of(anew)
    assert empty_directories(project.path) == []


def test_the_word_is_not_stored(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    project.update(Combination(1), {"allow_removal": True})
    assert "allow_removal" not in project.read(".copier-answers.yml")

"""The patched Copier of the matrix renders what stock Copier renders."""

from pathlib import Path

import pytest
import yaml
from pytest_copie.plugin import Copie

from extensions.stages import ROOT, Combination
from tests.support.matrix import covering
from tests.support.project import NEWEST, files_of, render
from tests.support.template import repository


@pytest.mark.parametrize(
    ("combination", "python"),
    [
        pytest.param(*row, marks=pytest.mark.full if 1 < row[0].level < 4 else [])
        for row in covering(1)
    ],
    ids=str,
)
def test_the_output_is_that_of_stock_copier(
    tmp_path: Path, combination: Combination, python: str
) -> None:
    answers = {"python_version": python}
    fast = render(tmp_path / "fast", combination, answers)
    stock = render(tmp_path / "stock", combination, answers, stock=True)
    assert files_of(fast) == files_of(stock)


def test_the_rules_are_parsed_once_for_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse, rules, times = yaml.safe_load, (ROOT / "stages.yml").read_text().strip(), 0

    def counting(text: str) -> object:
        nonlocal times
        times += str(text).strip() == rules
        return parse(text)

    monkeypatch.setattr(yaml, "safe_load", counting)
    render(tmp_path / "stock", Combination(4), stock=True)
    assert times == 1


def test_a_plain_copy_with_every_default(tmp_path: Path, copie: Copie) -> None:
    result = copie.copy(template_dir=repository())
    assert result.exception is None
    assert result.project_dir is not None
    fast = render(tmp_path / "fast", Combination(1), {"python_version": NEWEST})
    assert files_of(result.project_dir) == files_of(fast)

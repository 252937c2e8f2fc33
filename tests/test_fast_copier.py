"""The patched Copier of the matrix renders what stock Copier renders."""

from pathlib import Path

import pytest
from pytest_copie.plugin import Copie

from extensions.stages import Combination
from tests.support.matrix import covering
from tests.support.project import files_of, render
from tests.support.template import repository


@pytest.mark.parametrize(("combination", "python"), covering(1), ids=str)
def test_the_output_is_that_of_stock_copier(
    tmp_path: Path, combination: Combination, python: str
) -> None:
    answers = {"python_version": python}
    fast = render(tmp_path / "fast", combination, answers)
    stock = render(tmp_path / "stock", combination, answers, stock=True)
    assert files_of(fast) == files_of(stock)


def test_a_plain_copy_with_every_default(tmp_path: Path, copie: Copie) -> None:
    result = copie.copy(template_dir=repository())
    assert result.exception is None
    assert result.project_dir is not None
    assert files_of(result.project_dir) == files_of(render(tmp_path / "fast", Combination(1)))

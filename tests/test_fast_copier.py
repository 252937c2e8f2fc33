"""The patched Copier of the matrix renders what stock Copier renders."""

from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.matrix import covering
from tests.support.project import files_of, render


@pytest.mark.parametrize(("combination", "python"), covering(1), ids=str)
def test_the_output_is_the_same(tmp_path: Path, combination: Combination, python: str) -> None:
    fast = render(tmp_path / "fast", combination, {"python_version": python})
    stock = render(tmp_path / "stock", combination, {"python_version": python}, stock=True)
    assert files_of(fast) == files_of(stock)

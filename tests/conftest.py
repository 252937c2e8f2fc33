"""Fixtures for all tests."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.template import repository


@pytest.fixture(scope="session", autouse=True)
def _remove_the_template() -> Iterator[None]:
    """Remove the committed copy of the checkout when the run ends."""
    yield
    shutil.rmtree(repository(), ignore_errors=True)

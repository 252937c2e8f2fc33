"""The checkout that `make new` is run in."""

from pathlib import Path

import pytest

from tests.support.template import commit_all, copy_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of the template, as a user has it, with the tools of this run."""
    folder = copy_checkout(tmp_path / "stagecraft")
    commit_all(folder, "The checkout under test")
    return folder

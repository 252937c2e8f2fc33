"""What the gateway refuses is a problem document in every location."""

import re
from pathlib import Path

import pytest

from extensions.stages import TEMPLATE

SNIPPETS = TEMPLATE / "infrastructure/nginx/snippets"
ERROR_PAGE = re.compile(r"^ *error_page ([\d ]+?)(?: =\d+)? /problem;$", re.MULTILINE)


def codes(file: Path) -> set[str]:
    """The statuses that a file answers with a problem document."""
    return {code for found in ERROR_PAGE.findall(file.read_text()) for code in found.split()}


@pytest.mark.parametrize("file", sorted((SNIPPETS / "services").glob("*.conf")), ids=str)
def test_a_list_of_its_own_leaves_nothing_out(file: Path) -> None:
    # A location with one error_page inherits none of the server's.
    ours = codes(file)
    assert ours >= codes(SNIPPETS / "answers.conf") or not ours

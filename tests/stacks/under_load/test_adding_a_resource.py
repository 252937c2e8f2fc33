"""The page that adds a resource is followed to the letter, and the resource works."""

import json
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.guide import follow
from tests.support.matrix import ALL, RULES
from tests.support.project import start

PROJECTS = [
    Combination(1, example=False),
    pytest.param(Combination(1), marks=pytest.mark.full),
    pytest.param(Combination(RULES.highest, ALL, example=False), marks=pytest.mark.full),
]


@pytest.mark.parametrize("combination", PROJECTS, ids=str)
def test_the_page_leads_to_a_resource_that_works(tmp_path: Path, combination: Combination) -> None:
    require_docker()
    project = start(tmp_path / "notes", combination)
    printed: dict[str, str] = {}
    with stack(project) as running:
        if combination.level >= 3:
            project.write(".env", "GATEWAY_HOSTS=app.example\n")
        follow(project, running, printed.__setitem__)
    verified = printed["make verify"]
    assert "FAILED" not in verified
    assert "passed 4.3 -> 4.4  the business service's API works" in verified
    (asked,) = (said for command, said in printed.items() if command.startswith("curl"))
    assert json.loads(asked)["text"] == "Hello"

"""`make upgrade` and `make downgrade` move a project, or say why they do not."""

import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.commands import COMMANDS, make
from tests.support.docker import require_docker
from tests.support.matrix import ALL
from tests.support.project import Project, files_of, render, start
from tests.support.template import commit_all, git


def test_make_new_makes_a_project_that_can_be_moved(checkout: Path, tmp_path: Path) -> None:
    done = make(checkout, "new", "DEST=../shop", "LEVEL=1", "NAME=Corner Shop")
    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "shop")
    assert project.git("status", "--porcelain") == ""
    assert project.git("log", "--format=%s").strip() == "Start from Stagecraft, at level 1"
    assert project.read("README.md").startswith("# Corner Shop\n")
    answers = project.read(".copier-answers.yml")
    assert f"_src_path: {checkout}" in answers, "an absolute path: the project may be moved"
    assert COMMANDS.findall(done.stderr) == ['cd "../shop"', "make up", "make verify"]

    moved = project.make("upgrade", "LEVEL=3", stock=True)
    said = COMMANDS.findall(moved.stderr.split("Moved, without a conflict. Next:")[1])
    assert said[:-1] == ["git diff HEAD", "make up", "make baseline", "make verify"]
    assert "maturity_level: 3" in project.read(".copier-answers.yml")
    # Stock Copier updates to the files that the fast Copier renders.
    fresh = files_of(render(tmp_path / "fresh", Combination(3), {"project_name": "Corner Shop"}))
    updated = files_of(project.path)
    excluded = {".copier-answers.yml", "uv.lock"}
    assert {path for path in fresh if fresh[path] != updated.get(path)} <= excluded
    assert updated.keys() - fresh.keys() <= excluded
    project.commit("Level 3")
    project.write("tests/load/baseline.json", "{}")
    project.commit("A baseline")
    moved = project.make("upgrade", "MODULE=rabbitmq")
    said = COMMANDS.findall(moved.stderr.split("Moved, without a conflict. Next:")[1])
    assert said[:-1] == ["git diff HEAD", "make verify"]


def test_a_move_keeps_the_version_of_the_template_and_latest_takes_a_newer_one(
    checkout: Path, tmp_path: Path
) -> None:
    git(checkout, "tag", "v0.1.0")
    make(checkout, "new", "DEST=../shop")
    project = Project(tmp_path / "shop")
    page = "docs/atomic/services/fastapi/routing-patterns.md"
    source = checkout / "template" / page
    source.write_text(source.read_text() + "\nOf a newer version.\n")
    commit_all(checkout, "A newer version")
    git(checkout, "tag", "v0.2.0")

    project.make("upgrade", "LEVEL=2")
    project.commit("Level 2")
    assert "_commit: v0.1.0" in project.read(".copier-answers.yml")
    assert "Of a newer version." not in project.read(page)
    project.make("upgrade", "TEMPLATE=latest", stock=True)
    assert "_commit: v0.2.0" in project.read(".copier-answers.yml")
    assert "maturity_level: 2" in project.read(".copier-answers.yml")
    assert "Of a newer version." in project.read(page)


MOVES = [
    (["upgrade"], "Say where to"),
    (["upgrade", "CI_PROVIDER=gitlab"], "Pipelines come with level 4"),
    (["upgrade", "LEVEL=4", "CI_PROVIDER=jenkins"], "'jenkins' is not in"),
    (["upgrade", "LEVEL=7"], "There is no level 7; this version offers 1 to"),
    (["upgrade", "LEVEL=x"], "LEVEL is a number"),
    (["upgrade", "MODULE=.*"], "MODULE is a name"),
    (["downgrade", "LEVEL=2"], "goes to a lower one"),
    (["upgrade", "MODULE=paymnets"], 'There is no module "paymnets"'),
    (["upgrade", "LEVEL=2", "TEMPLATE=v99"], "Unknown revision: 'v99'"),
    (["downgrade"], "Say where to"),
    (["downgrade", "LEVEL=0"], "goes to a lower one, from 1 on"),
    (["downgrade", "MODULE=payments"], 'There is no module "payments"'),
    (["downgrade", "MODULE=rabbitmq"], 'does not have the module "rabbitmq"'),
    (["downgrade", "MODULE=workers", "LEVEL=1"], "One after the other"),
]


@pytest.mark.parametrize(("arguments", "sentence"), MOVES)
def test_a_move_that_cannot_be_made_is_refused(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    require_docker()
    project = start(tmp_path / "project", Combination(2))
    done = project.make(*arguments, check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_a_module_that_another_one_needs_stays(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "project", Combination(1, ALL))
    done = project.make("downgrade", "MODULE=rabbitmq", check=False)
    assert done.returncode != 0
    assert 'Other modules need "rabbitmq"' in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_upgrade_refuses_to_move_down_by_itself(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    done = project.make("upgrade", "LEVEL=1", check=False)
    assert done.returncode != 0
    assert "make downgrade LEVEL=1" in done.stderr
    assert project.git("status", "--porcelain") == ""


def test_a_move_refuses_uncommitted_work_and_a_folder_without_git(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.append("README.md", "More.\n")
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert "Commit or stash first" in done.stderr
    assert "README.md" in done.stderr
    subprocess.run(["rm", "-rf", str(project.path / ".git")], check=True)
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert "git init" in done.stderr

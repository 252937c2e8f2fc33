"""`make new` starts a project, or says why it does not."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extensions.stages import ROOT, Combination
from tests.support.commands import COMMANDS, copier, make
from tests.support.matrix import PYTHONS
from tests.support.project import (
    NEWEST,
    Project,
    empty_directories,
    outer_environment,
    start,
    the_end,
)
from tests.support.template import git, repository

PYENV = """#!/bin/sh
echo 3.8.18
echo 3.13.0
"""
SHIM = f"""#!/bin/sh
# As pyenv does it: a version that is not asked for is not there.
case :$PYENV_VERSION: in *:3.13.0:*) exec {Path(sys.executable).resolve()} "$@" ;; esac
echo "pyenv: $(basename "$0"): command not found" >&2
exit 127
"""


@pytest.mark.parametrize("kind", ["checkout", "project"])
def test_shims_of_pyenv_do_not_hide_python(tmp_path: Path, checkout: Path, kind: str) -> None:
    folder = checkout if kind == "checkout" else start(tmp_path / "shop", Combination(1)).path
    shims = tmp_path / "shims"
    shims.mkdir()
    for name in ("pyenv", "python", "python3", "python3.12", "python3.13"):
        (shims / name).write_text(PYENV if name == "pyenv" else SHIM)
        (shims / name).chmod(0o755)
    (shims / "uv").write_text("#!/bin/sh\nexit 127\n")  # nor is there a uv
    (shims / "uv").chmod(0o755)
    hard = outer_environment() | {
        "PATH": f"{shims}:/usr/bin:/bin",
        "PYENV_VERSION": "3.8.18",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    asked = subprocess.run(["python3", "--version"], env=hard, capture_output=True)
    assert asked.returncode == 127
    done = subprocess.run(
        ["make", "setup"], cwd=folder, env=hard, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, the_end(done)
    assert (folder / ".uv/bin/uv").exists()
    made = (folder / ".venv/pyvenv.cfg").read_text()
    assert f"version_info = {sys.version_info.major}.{sys.version_info.minor}" in made


def test_make_new_says_what_a_level_with_a_load_needs(checkout: Path, tmp_path: Path) -> None:
    done = make(checkout, "new", "DEST=../shop", "LEVEL=3", "MODULES=workers,telegram_bot")
    with_load = ['cd "../shop"', "make up", "make baseline", "make verify"]
    assert COMMANDS.findall(done.stderr) == with_load
    copied = copier(
        *("copy", "--defaults", "--vcs-ref=HEAD", "--data", "maturity_level=3"),
        *(str(repository()), str(tmp_path / "copied")),
        folder=tmp_path,
    )
    said = COMMANDS.findall(copied.stderr.split("Next:")[1])
    assert [command for command in said if command.startswith("make")] == with_load[1:]


def test_make_new_starts_without_the_example(checkout: Path, tmp_path: Path) -> None:
    done = make(checkout, "new", "DEST=../backend", "LEVEL=3", "EXAMPLE=no")
    assert COMMANDS.findall(done.stderr) == ['cd "../backend"', "make up", "make verify"]
    project = Project(tmp_path / "backend")
    answers = project.read(".copier-answers.yml")
    assert "example: false" in answers
    assert "project_name: Backend" in answers
    assert "orders" not in project.git("ls-files")
    assert empty_directories(project.path) == []
    project.make("upgrade", "LEVEL=4")
    assert "orders" not in project.git("ls-files")


def test_the_project_takes_a_python_that_is_there(checkout: Path, tmp_path: Path) -> None:
    done = make(checkout, "new", "DEST=../shop")
    found = subprocess.run(["uv", "python", "find", NEWEST], env=outer_environment(), check=False)
    taken = (tmp_path / "shop/.python-version").read_text().strip()
    if found.returncode == 0:
        assert taken == NEWEST
    else:
        assert taken in PYTHONS
        assert f"There is no Python {NEWEST} on this machine" in done.stderr
        assert f"the project takes Python {taken}" in done.stderr
        assert f"make upgrade PYTHON={NEWEST}" in done.stderr


BAD = [
    ([], "Say where the project goes"),
    (["DEST=../shop", "LEVEL=9"], "There is no level 9; this version offers 1 to"),
    (["DEST=../shop", "LEVEL=two"], "LEVEL is a number"),
    (["DEST=../shop", "LEVEL=2", "CI_PROVIDER=gitlab"], "Pipelines come with level 4"),
    (["DEST=../shop", "LEVEL=4", "CI_PROVIDER=jenkins"], "'jenkins' is not in"),
    (["DEST=shop"], "inside this checkout"),
    (["DEST=../nowhere/shop"], "There is no folder"),
    (["DEST=../shop", "NAME=3 Bears"], "starts with a digit"),
    (["DEST=tests"], "tests exists and is not empty"),
    (["DEST=../shop", "MODULES=rabbitmq,rabit"], 'There is no module "rabit"'),
    (["DEST=../shop", "MODULES=level"], 'There is no module "level"'),
    (["DEST=../shop", "MODULES=example"], 'There is no module "example"'),
    (["DEST=../shop", "EXAMPLE=maybe"], 'EXAMPLE is yes or no; it is "maybe"'),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_make_new_refuses(
    checkout: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    done = make(checkout, "new", *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "shop").exists()


def test_make_new_refuses_a_dirty_checkout(checkout: Path, tmp_path: Path) -> None:
    (checkout / "README.md").write_text("changed")
    done = make(checkout, "new", "DEST=../shop")
    assert done.returncode != 0
    assert "uncommitted changes" in done.stderr
    assert "README.md" in done.stderr
    assert not (tmp_path / "shop").exists()


def test_a_project_remembers_an_origin_that_has_the_commit(checkout: Path, tmp_path: Path) -> None:
    shared = f"file://{tmp_path}/shared.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout), f"{tmp_path}/shared.git")
    git(checkout, "remote", "add", "origin", shared)
    before = make(checkout, "new", "DEST=../before")
    assert f"_src_path: {checkout}\n" in (tmp_path / "before/.copier-answers.yml").read_text()
    assert "SOURCE=folder-or-URL" in before.stderr

    git(checkout, "fetch", "--quiet", "origin")
    after = make(checkout, "new", "DEST=../shop")
    assert f"It remembers {shared} as its template, which has this commit." in after.stderr
    shutil.rmtree(checkout)
    project = Project(tmp_path / "shop")
    assert f"_src_path: {shared}\n" in project.read(".copier-answers.yml")
    assert project.git("status", "--porcelain") == ""
    project.make("upgrade", "LEVEL=2")
    assert "maturity_level: 2" in project.read(".copier-answers.yml")


@pytest.mark.parametrize(
    ("origin", "recorded"),
    [
        ("https://ada:secret@github.com/team/template", "https://github.com/team/template"),
        ("https://secret@git.example/template.git", "https://git.example/template.git"),
        ("https://git.example/a&b", "git+https://git.example/a&b"),
        ("git@git.example:team/template", "git@git.example:team/template"),
        ("ssh://git@git.example/template", "git+ssh://git@git.example/template"),
        ("../template", None),
    ],
)
def test_an_origin_is_remembered_without_credentials(
    checkout: Path, origin: str, recorded: str | None
) -> None:
    git(checkout, "remote", "add", "origin", origin)
    git(checkout, "update-ref", "refs/remotes/origin/main", "HEAD")
    done = subprocess.run(
        ["sh", "scripts/template-source.sh"],
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{recorded or checkout}\n"


def test_the_readme_names_the_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    inside = (ROOT / "template/Makefile").read_text() + "".join(
        path.read_text() for path in (ROOT / "template/make").glob("*.mk*")
    )
    targets |= set(re.findall(r"^([a-z-]+):", inside, re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE))
    assert named
    assert named <= targets


def test_git_sees_no_hidden_state(checkout: Path) -> None:
    """Everything that the checkout makes for itself is ignored, so it never makes itself dirty."""
    make(checkout, "setup")
    assert git(checkout, "status", "--porcelain") == ""

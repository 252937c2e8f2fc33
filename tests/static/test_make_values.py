"""What is given to make on the command line stays a value: neither make nor a shell runs it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from extensions.stages import ROOT, Combination
from tests.support.matrix import ALL
from tests.support.project import outer_environment, render

GIVEN = ("ANY_BRANCH", "COPY", "END", "FORCE", "ID", "INDEX", "LOGIN", "NAME", "PROFILE", "QUEUE",
         "REPOSITORY", "ROLES", "TIMELINE", "TO", "TYPE", "WHO")  # fmt: skip
TEXTS = ["x'; touch ran; '", 'x"; touch ran; "', "x`touch ran`", "x; touch ran", "x\\"]
CALLS = ["auth-header WHO=", "data-auth-header WHO=", "token WHO=", "token ROLES=", "admin LOGIN=",
         "audit END=", "backup TYPE=", "backup REPOSITORY=", "task NAME=", "task-cancel ID=",
         "task INDEX=", "dead-letters QUEUE=business_worker.",
         "requeue QUEUE=business_bot."]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = render(tmp_path_factory.mktemp("values") / "project", Combination(4, ALL))
    show = folder / "show"
    show.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    show.chmod(0o755)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make without what a target needs first."""
    before = [f"--old-file={name}" for name in ("env", "setup", "uv", "keys")]
    return subprocess.run(
        [str(shutil.which("make")), *before, *arguments],
        cwd=folder,
        env=outer_environment(),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", GIVEN)
def test_make_runs_no_value(folder: Path, name: str) -> None:
    done = make(folder, "help", f"{name}=$(shell touch ran)")
    assert done.returncode != 0
    assert f"{name} contains a dollar sign" in done.stderr
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("call", CALLS)
def test_a_shell_runs_no_value(folder: Path, call: str) -> None:
    target, given = call.split()
    for text in TEXTS:
        done = make(folder, target, "COMPOSE=./show", f"{given}{text}")
        assert done.returncode == 0, done.stderr
        assert text in done.stdout
        assert not (folder / "ran").exists()


def test_no_recipe_hands_a_value_to_the_shell_by_itself(folder: Path) -> None:
    for path in [folder / "Makefile", *(folder / "make").glob("*.mk")]:
        bare = rf"\$\((?:or \$\()?({'|'.join(GIVEN)})\)"
        assert re.findall(bare, path.read_text().replace("run $(PROFILE)", "")) == [], path


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["DEST", "LEVEL"])
def test_make_new_runs_no_value(tmp_path: Path, name: str, text: str) -> None:
    """Of a place that cannot be, so that nothing is made."""
    values = {"DEST": str(tmp_path / "no/where"), "LEVEL": "1"} | {name: f"no/{text}"}
    done = make(ROOT, "new", *(f"{key}={value}" for key, value in values.items()))
    assert done.returncode != 0
    assert text in done.stderr or "There is no folder" in done.stderr
    assert not (ROOT / "ran").exists()


def test_the_makefile_of_the_template_expands_no_value() -> None:
    done = make(ROOT, "help", "DEST=$(shell touch ran)")
    assert "DEST contains a dollar sign" in done.stderr
    assert not (ROOT / "ran").exists()

"""The template as users meet it: a git repository with everything of this checkout committed."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from extensions.stages import ROOT

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost")


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` as a test user, without this machine's hooks; return its output."""
    command = ["git", *IDENTITY, "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def copy_checkout(target: Path) -> Path:
    """Copy what git tracks here, and what it would track, as it is in the working tree."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def commit_all(folder: Path, message: str) -> None:
    """Make `folder` a repository if it is none, and commit everything."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


@cache
def repository() -> Path:
    """A committed copy of this checkout, made once for each test process."""
    folder = Path(mkdtemp(prefix="stagecraft-template-"))
    copy_checkout(folder)
    commit_all(folder, "The checkout under test")
    return folder

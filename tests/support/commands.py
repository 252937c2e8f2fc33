"""The checkout of the template as its users have it, and the commands that it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.project import IN_COPIER, Project, outer_environment, the_end

COPIER = str(Path(sys.executable).parent / "copier")
IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Test"), ("EMAIL", "test@localhost"))
}
COMMANDS = re.compile(r"^  (\S.*)$", re.MULTILINE)


def copier(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Copier in `folder`: stock Copier for a copy, the fast one for an update."""
    fast = {"PYTHONPATH": str(IN_COPIER)} if arguments[0] == "update" else {}
    return subprocess.run(
        [COPIER, *arguments],
        cwd=folder,
        env=os.environ | fast,
        capture_output=True,
        text=True,
        check=True,
    )


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make there, without the attempt to download a Python that this machine lacks."""
    never = {"UV_PYTHON_DOWNLOADS": "never"}
    return Project(checkout).make(*arguments, check=False, environment=never)


def run_printed(
    text: str, folder: Path, stack_environment: dict[str, str], *, stop: bool = False
) -> str:
    """Run the printed commands in one shell, of which one verifies; return what they said.

    With `stop` the stack of development stops before that: `make verify` starts its own.
    """
    commands = COMMANDS.findall(text)
    assert 1 <= len(commands) <= 5, text
    place = commands.index("make verify")
    if stop:
        commands.insert(place, "docker compose stop --timeout 2")
    done = subprocess.run(
        ["sh", "-c", "\n".join(["set -e", *commands])],
        cwd=folder,
        env=outer_environment() | IDENTITY | stack_environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, the_end(done)
    return done.stdout

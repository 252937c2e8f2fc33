"""What was asked for, and whether this project can do it."""

import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moving.forms import yaml_of
from moving.repository import Refused, git

ANSWERS = ".copier-answers.yml"


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line; an empty text was not."""

    down: bool
    level: str
    module: str
    template: str
    ci_provider: str
    source: str
    answers: dict[str, str]
    """Answers to other questions of Copier, by their names there."""
    removal: bool
    dry: bool
    without_example: bool = False
    """Whether to take the example away; nothing else is asked for then."""


def last_answers() -> dict[str, Any]:
    """Return the recorded answers; raise `Refused` when they cannot be used."""
    restore = f"Restore it from an earlier commit: git checkout COMMIT -- {ANSWERS}"
    try:
        found = yaml_of(Path(ANSWERS).read_bytes())
    except FileNotFoundError:
        raise Refused(f"{ANSWERS} is missing, so the last render is unknown. {restore}") from None
    except ValueError as error:
        raise Refused(f"{ANSWERS} is not valid: {error}. {restore}") from None
    for key in ("_src_path", "_commit", "maturity_level"):
        if not isinstance(found, dict) or not found.get(key):
            raise Refused(f'{ANSWERS} has no "{key}". {restore}')
    if not isinstance(found["maturity_level"], int):
        level = found["maturity_level"]
        raise Refused(f'maturity_level in {ANSWERS} is a number, without quotes; it is "{level}".')
    return dict(found)


def check(wanted: Wanted, answers: dict[str, Any]) -> None:
    """Raise `Refused` for a move that cannot be."""
    level = answers["maturity_level"]
    files = gates()["level"]
    if files != level:
        raise Refused(
            f"{ANSWERS} says level {level}, and the files are of level {files}. Only a move "
            f"changes that file: set maturity_level to {files} again and commit."
        )
    others = (wanted.level, wanted.module, wanted.template, wanted.ci_provider, wanted.source)
    if wanted.without_example and any((*others, wanted.answers)):
        raise Refused(
            "make remove-example takes DRY_RUN=yes and REMOVE=yes. Make other moves separately."
        )
    if wanted.without_example:
        return
    modules = set(modules_of(answers))
    asked = (wanted.level, wanted.module, wanted.template, wanted.ci_provider, wanted.source)
    if not any((*asked, wanted.answers)):
        raise Refused(
            "Say where to: make upgrade LEVEL=2, make upgrade MODULE=name, make upgrade "
            "TEMPLATE=latest or make downgrade LEVEL=1 or MODULE=name. "
            "docs/maturity-levels.md shows what each level has."
        )
    if wanted.level and not wanted.level.isdigit():
        raise Refused(f'LEVEL is a number, such as 2; it is "{wanted.level}".')
    if not re.fullmatch(r"[a-z_]*", wanted.module):
        raise Refused(f'MODULE is a name such as payments; it is "{wanted.module}".')
    if wanted.ci_provider and int(wanted.level or level) < 4:
        move = f"make upgrade LEVEL=4 CI_PROVIDER={wanted.ci_provider}"
        raise Refused(f"Pipelines come with level 4: {move}")
    # A newer template may have modules that this project was never asked about.
    if wanted.module and not wanted.template and wanted.module not in modules:
        raise Refused(
            f'There is no module "{wanted.module}". docs/maturity-levels.md lists the modules.'
        )
    if wanted.down and wanted.module and wanted.level:
        raise Refused(
            f"One after the other: make downgrade MODULE={wanted.module}, then make downgrade "
            f"LEVEL={wanted.level}."
        )
    if wanted.down and not wanted.module and not 1 <= int(wanted.level or 0) < level:
        raise Refused(
            f"The project is at level {level}; make downgrade LEVEL=n goes to a lower one, from 1 "
            "on."
        )
    if not wanted.down and wanted.level and int(wanted.level) < level:
        raise Refused(
            f"The project is at level {level}. To move down, and delete what level {wanted.level} "
            f"does not have: make downgrade LEVEL={wanted.level}"
        )


def check_repository() -> None:
    """Raise `Refused` unless this folder is committed: only then can a move be taken back."""
    done = subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True)
    if done.returncode:
        raise Refused(
            "This folder is not a git repository with a commit, so your edits could not be kept. "
            "Make it one:\n  git init && git add --all && git commit --message 'Before the move'"
        )
    status = git("status", "--porcelain", "--untracked-files=normal", "--", ".").decode()
    if status:
        raise Refused(
            "Commit or stash first, so that the move can be seen and taken back:\n"
            + status.rstrip()
        )


def gates() -> dict[str, Any]:
    """Return what the project says of its level and modules."""
    with Path("make/gates.toml").open("rb") as file:
        return tomllib.load(file)


def modules_of(answers: dict[str, Any]) -> dict[str, bool]:
    """Return what was answered to the question for each module."""
    return {
        key: value for key, value in answers.items() if isinstance(value, bool) and key != "example"
    }


def required(module: str) -> set[str]:
    """Return a module and those that come with it."""
    return {module, *gates()["requires"].get(module, [])}


def stays_of(wanted: Wanted, answers: dict[str, Any]) -> set[str]:
    """Return the modules that are there after a module was taken away."""
    asked = {key for key, value in modules_of(answers).items() if value}
    stays = {each for name in asked - {wanted.module} for each in required(name)}
    if wanted.module in stays:
        raise Refused(
            f'Other modules need "{wanted.module}", which comes with them. Take those away first.'
        )
    if wanted.module and wanted.module not in asked:
        raise Refused(f'The project does not have the module "{wanted.module}".')
    return stays

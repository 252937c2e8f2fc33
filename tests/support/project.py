"""Rendered projects: how tests make, move, edit and run them."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import copier
from copier._template import load_template_config

from extensions.stages import ROOT, Combination
from tests.support.fast_copier import fast_copier
from tests.support.matrix import PYTHONS
from tests.support.mover import mover
from tests.support.template import commit_all, git, repository

CONFIG = load_template_config(ROOT / "copier.yml")
Answers = Mapping[str, object]

NEWEST = str(CONFIG["python_version"]["default"])
# Projects of tests have the Python of this run, unless a test asks for another one.
HOST_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Where the program of this Python lies.
PYTHON = Path(sys.base_prefix) / "bin"
IN_COPIER = Path(__file__).with_name("in_copier")
# The targets that render.
MOVES = ("upgrade", "downgrade", "remove-example", "docs-check")
QUESTIONS = frozenset(key for key in CONFIG if not key.startswith("_"))


def check_answers(answers: Mapping[str, object]) -> None:
    """Raise for a key that is no question: Copier would ignore it and render something else."""
    unknown = sorted(set(answers) - QUESTIONS)
    if unknown:
        raise ValueError(f"No question of copier.yml: {', '.join(unknown)}")


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` but git's own, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def outer_environment() -> dict[str, str]:
    """The environment of a user who has uv: without what a make, or uv, around this run has set.

    Without one each project would get its own by venv and pip, which takes longer than many a test;
    that it does is seen by test_make_new.py. Python comes first in the PATH, because a shim of
    pyenv takes ten times as long to start it. All projects share
    one cache of mypy, which is keyed by the hash of each file. mypy replaces its files atomically,
    so several workers can use it.

    The pytest of a project has its folder apart from ours. Each run closes its own to other users,
    and as root PostgreSQL runs as one, from an environment that lies in ours.
    """
    inner = ("MAKE", "MFLAGS", "VIRTUAL_ENV")
    found = {key: value for key, value in os.environ.items() if not key.startswith(inner)}
    types = ROOT / ".mypy_cache/of-projects"
    apart = Path(tempfile.gettempdir()) / "of-projects"
    apart.mkdir(exist_ok=True)
    path = f"{PYTHON}:{found['PATH']}:{ROOT / '.uv/bin'}"
    settings = {"MYPY_CACHE_DIR": str(types), "PYTEST_DEBUG_TEMPROOT": str(apart)}
    return found | {"PATH": path} | settings


def the_end(done: subprocess.CompletedProcess[str]) -> str:
    """The last lines of what a command printed, where the reason for its failure is."""
    ends = [text.splitlines()[-40:] for text in (done.stdout, done.stderr)]
    return "\n".join(["stdout:", *ends[0], "stderr:", *ends[1]])


def empty_directories(folder: Path) -> list[Path]:
    """The directories below `folder` with nothing in them, git's own left aside."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_dir() and ".git" not in path.parts and not any(path.iterdir())
    ]


@dataclass(frozen=True)
class Project:
    """A rendered project that is a git repository."""

    path: Path

    @property
    def compose_name(self) -> str:
        """A name of a Compose project that no other project on this machine has."""
        return f"shop-{sha256(bytes(self.path)).hexdigest()[:12]}"

    @property
    def python_here(self) -> dict[str, str]:
        """What has uv take the Python of this run where the project's is in its images alone."""
        pin = self.path / ".python-version"
        here = not pin.exists() or pin.read_text().strip() in PYTHONS
        return {} if here else {"UV_PYTHON": HOST_PYTHON}

    def make(
        self,
        *arguments: str,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
        stock: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run make with its output captured; a failure shows the end of it.

        Moves render with the fast Copier; `stock` takes Copier as it is. Without a stack, the
        Compose project is called `compose_name`.
        """
        moves = not stock and not {*arguments[:1]}.isdisjoint(MOVES)
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.path,
            env=outer_environment()
            | {"COMPOSE_PROJECT_NAME": self.compose_name}
            | self.python_here
            | ({"PYTHONPATH": str(IN_COPIER)} if moves else {})
            | dict(environment or {}),
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"make {' '.join(arguments)}:\n{the_end(done)}")
        return done

    def lock(self) -> None:
        """Lock the dependencies, as `make setup` does: without it each image resolves them anew."""
        done = subprocess.run(
            ["uv", "lock", "--quiet"],
            cwd=self.path,
            env=outer_environment() | self.python_here,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise AssertionError(f"uv lock:\n{the_end(done)}")

    def git(self, *arguments: str) -> str:
        """Run git in the project."""
        return git(self.path, *arguments)

    def commit(self, message: str = "An edit") -> None:
        """Commit everything."""
        commit_all(self.path, message)

    def read(self, path: str) -> str:
        """Return the text of a file of the project."""
        return (self.path / path).read_text()

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file as a person would; raise when it is not what the edit expects."""
        text = self.read(path)
        if text.count(old) != 1:
            raise ValueError(f"{path} has {text.count(old)} times: {old!r}")
        (self.path / path).write_text(text.replace(old, new))

    def write(self, path: str, text: str) -> None:
        """Add a file."""
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_text(text)

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file."""
        self.write(path, self.read(path) + text)

    def update(self, combination: Combination, answers: Answers | None = None) -> None:
        """Run `copier update` with new answers."""
        data = combination.answers | dict(answers or {})
        check_answers(data)
        with fast_copier():
            copier.run_update(
                self.path,
                data=data,
                defaults=True,
                overwrite=True,
                quiet=True,
                vcs_ref=copier.VcsRef.CURRENT,
                context_lines=50,
            )

    def move(self, combination: Combination, answers: Answers | None = None) -> Any:
        """Move with new answers as `make upgrade` does, in this process; return the merge."""
        data = combination.answers | dict(answers or {})
        check_answers(data)
        with fast_copier(), contextlib.chdir(self.path):
            recorded = mover.last_answers()
            source, version = recorded.pop("_src_path"), recorded.pop("_commit")
            team = mover.Team()
            answered = recorded.get("example", True)
            recorded["example"] = mover.has_example(recorded, team)
            base = mover.rendered(source, version, recorded)
            mover.record(base, "example", str(answered).lower())
            new = mover.rendered(source, version, recorded | data)
            by_hand = answered and not recorded["example"]
            with_it = recorded | {"example": True}
            shown = mover.rendered(source, version, with_it) if by_hand else None
            found = mover.merge_without_its_lines(shown, base, new, team)
            mover.obstacles(found, team)
            mover.write(found, team)
            found.untrue = mover.untrue(new)
        return found


def render(
    target: Path, combination: Combination, answers: Answers | None = None, *, stock: bool = False
) -> Path:
    """Render without git, for tests that only look at files; `stock` takes Copier as it is."""
    data = {"python_version": HOST_PYTHON, **combination.answers, **(answers or {})}
    check_answers(data)

    def run() -> None:
        copier.run_copy(
            str(repository()), target, data=data, defaults=True, quiet=True, vcs_ref="HEAD"
        )

    if stock:
        run()
    else:
        with fast_copier():
            run()
    return target


def start(target: Path, combination: Combination, answers: Answers | None = None) -> Project:
    """Render a project and make its first commit, as `make new` does."""
    render(target, combination, answers)
    project = Project(target)
    project.commit("Start")
    return project

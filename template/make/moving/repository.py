"""The team's files as git has them, whatever the git configuration of the machine says."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LINK = "120000"


class Refused(Exception):
    """The move cannot be made. The message says why, and what to do."""


@dataclass(frozen=True)
class File:
    """A file as git stores it: its mode, and its bytes or the target of the link."""

    mode: str
    content: bytes

    @property
    def is_text(self) -> bool:
        return self.mode != LINK and b"\0" not in self.content


Tree = dict[str, File]


def settings(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which git has these settings, whatever its files say."""
    found = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for number, (key, value) in enumerate(pairs.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


MERGING = {
    "core.hooksPath": os.devnull,
    "merge.conflictStyle": "merge",
    "status.showUntrackedFiles": "normal",
}


def git(*arguments: str, data: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    """Run git in this folder and return what it prints."""
    done = subprocess.run(
        ["git", *arguments],
        input=data,
        capture_output=True,
        env=os.environ | settings(MERGING) | dict(environment or {}),
    )
    if done.returncode:
        raise Refused(done.stderr.decode(errors="replace").strip())
    return done.stdout


def committed() -> dict[str, tuple[str, str, int]]:
    """Return mode, object and size of every file of this folder in the last commit."""
    found = {}
    for entry in git("ls-tree", "-r", "-l", "-z", "HEAD").decode().split("\0")[:-1]:
        meta, path = entry.split("\t", 1)
        mode, kind, name, size = meta.split()
        if kind == "blob":
            found[path] = (mode, name, int(size))
    return found


class Team(Mapping[str, File]):
    """The files of the last commit, read when they are asked for."""

    def __init__(self) -> None:
        self.entries = committed()
        self.read: Tree = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, path: object) -> bool:
        return path in self.entries

    def __getitem__(self, path: str) -> File:
        if path not in self.read:
            self.load([path])
        return self.read[path]

    def load(self, paths: list[str]) -> None:
        """Read many files with one process."""
        paths = [path for path in paths if path not in self.read]
        names = "".join(f"{self.entries[path][1]}\n" for path in paths)
        output = git("cat-file", "--batch", data=names.encode())
        place = 0
        for path in paths:
            end = output.index(b"\n", place)
            size = int(output[place:end].split()[2])
            self.read[path] = File(self.entries[path][0], output[end + 1 : end + 1 + size])
            place = end + 1 + size + 1


def say(*lines: str) -> None:
    """Print lines for the person who runs the move."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def listing(paths: list[str], most: int = 20) -> str:
    """Return paths as an indented list, which ends after `most`."""
    shown = [f"  {path}" for path in paths[:most]]
    return "\n".join(shown + [f"  and {len(paths) - most} more"] * (len(paths) > most))

"""Writes a merge into the working tree and the index, or changes nothing."""

import os
import tempfile
from pathlib import Path, PurePosixPath

from moving.merging import Merge
from moving.repository import Refused, Team, git, listing

# Of this folder alone: a larger repository may have uncommitted work in its other folders.
TAKE_BACK = ("restore", "--source=HEAD", "--staged", "--worktree", ".")


def obstacles(found: Merge, team: Team) -> None:
    """Raise `Refused` for what the move would overwrite, or cannot write."""
    flagged = [
        entry[2:]
        for entry in git("ls-files", "-v", "-z").decode().split("\0")[:-1]
        if entry[0] == "S" or entry[0].islower()
    ]
    touched = {*found.changed, *found.removed}
    if hidden := sorted(touched.intersection(flagged)):
        raise Refused(
            "git does not look at these files (sparse checkout, skip-worktree or "
            "assume-unchanged), so edits in them could be lost:\n"
            + listing(hidden)
            + "\nLet git look at them again:\n"
            "  git sparse-checkout disable\n"
            "  git update-index --no-skip-worktree --no-assume-unchanged FILE"
        )
    taken = []
    for path in found.changed:
        above = [each.as_posix() for each in list(PurePosixPath(path).parents)[:-1]]
        if (path not in team and os.path.lexists(path)) or any(
            each in team or Path(each).is_symlink() or Path(each).is_file() for each in above
        ):
            taken.append(path)
    if taken:
        raise Refused(
            "The move brings these files, and something of yours that is not committed (or a link) "
            "is in their place. Commit it, move it or delete it:\n" + listing(taken)
        )
    for path in touched:
        existing = next(each for each in (Path(path), *Path(path).parents) if os.path.lexists(each))
        folder = existing if existing.is_dir() else existing.parent
        if not os.access(folder, os.W_OK):
            raise Refused(f"The folder {folder} cannot be written. Nothing was changed.")


def objects(contents: list[bytes]) -> list[str]:
    """Store contents in the repository and return their names."""
    with tempfile.TemporaryDirectory(prefix="stagecraft-") as folder:
        paths = [Path(folder) / str(number) for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        listed = "".join(f"{path}\n" for path in paths).encode()
        options = ("-w", "--no-filters", "--stdin-paths")
        return git("hash-object", *options, data=listed).decode().split()


def write(found: Merge, team: Team) -> None:
    """Write the files and add them to the index; files in conflict are unmerged there.

    A failure half-way restores what was there.
    """
    prefix = git("rev-parse", "--show-prefix").decode().rstrip("\n")
    none = "0" * len(git("rev-parse", "HEAD").decode().strip())
    paths = list(found.changed)
    names = objects([found.changed[path].content for path in paths])
    entries = [
        f"{found.changed[path].mode} {name}\t{prefix}{path}\0"
        for path, name in zip(paths, names, strict=True)
    ]
    entries += [f"0 {none}\t{prefix}{path}\0" for path in found.removed]
    with tempfile.TemporaryDirectory(prefix="stagecraft-") as folder:
        index = {"GIT_INDEX_FILE": f"{folder}/index"}
        git("read-tree", "HEAD", environment=index)
        git("update-index", "-z", "--index-info", data="".join(entries).encode(), environment=index)
        tree = git("write-tree", environment=index).decode().strip()
    try:
        git("read-tree", "-m", "-u", "HEAD", tree)
    except BaseException:
        for path in found.changed:
            if path not in team:
                Path(path).unlink(missing_ok=True)
        git(*TAKE_BACK)
        raise
    stages = []
    for path, sides in found.conflicts.items():
        stages.append(f"0 {none}\t{prefix}{path}\0")
        stored = objects([side.content for side in sides if side])
        known = [(number, side) for number, side in enumerate(sides, start=1) if side]
        for (number, side), name in zip(known, stored, strict=True):
            stages.append(f"{side.mode} {name} {number}\t{prefix}{path}\0")
    git("update-index", "-z", "--index-info", data="".join(stages).encode())
    remove_bytecode(found.removed)


def remove_bytecode(removed: list[str]) -> None:
    """Remove folders that hold nothing but the bytecode of code that is gone."""
    for path in sorted(removed, reverse=True):
        for folder in [*Path(path).parents][:-1]:
            if not folder.is_dir():
                continue
            if {each.name for each in folder.iterdir()} - {"__pycache__"}:
                break
            for file in folder.glob("__pycache__/*.py[co]"):
                file.unlink()
            if (folder / "__pycache__").is_dir():
                (folder / "__pycache__").rmdir()
            folder.rmdir()

"""Random edits of a project, and what has to be true of them after a move."""

import difflib
import random
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.mover import mover

Tree = dict[str, Any]


@dataclass
class Edits:
    """What a team did to its files, in words, and the files after it."""

    base: Tree
    team: Tree
    done: list[str] = field(default_factory=list)
    edited: set[str] = field(default_factory=set)
    """Rendered files whose text was edited, by their rendered path."""
    deleted: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)


def lines(file: Any) -> list[str]:
    return str(file.content.decode()).split("\n")


def random_edits(base: Tree, chance: random.Random) -> Edits:
    """Edit a few files at random: lines, then whole files."""
    found = Edits(base, dict(base))
    texts = sorted(path for path, file in base.items() if file.is_text and file.content)
    for path in chance.sample(texts, chance.randint(1, 6)):
        file = found.team[path]
        text = lines(file)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            kind = chance.choice(("insert", "insert", "change", "delete", "move"))
            mark = f"fuzz {chance.randrange(10**9)}"
            if kind == "insert":
                text[at:at] = [f"# {mark}"] * chance.randint(1, 3)
            elif kind == "change":
                text[at] += f"  # {mark}"
            elif kind == "delete":
                del text[at : at + chance.randint(1, 4)]
                text = text or [""]
            else:
                block = text[at : at + 3]
                del text[at : at + 3]
                to = chance.randint(0, len(text))
                text[to:to] = block
            found.done.append(f"{path}: {kind} at line {at + 1}")
        found.team[path] = mover.File(file.mode, "\n".join(text).encode())
        if found.team[path] != file:
            found.edited.add(path)
    for kind in chance.choices(("add", "rename", "delete", "mode"), k=chance.randint(0, 2)):
        path = chance.choice(sorted(found.team.keys() - found.added - {".copier-answers.yml"}))
        if kind == "add":
            new = f"{path.rpartition('/')[0] or '.'}/fuzz_{chance.randrange(10**6)}.txt"
            new = new.removeprefix("./")
            found.team[new] = mover.File("100644", b"A file of the team.\n")
            found.added.add(new)
        elif path in found.renamed.values():
            continue
        elif kind == "delete":
            del found.team[path]
            found.deleted.add(path)
            found.edited.discard(path)
        elif kind == "mode":
            found.team[path] = mover.File("100755", found.team[path].content)
        else:
            new = f"{path}.moved"
            found.team[new] = found.team.pop(path)
            found.renamed[path] = new
        found.done.append(f"{kind} {path}")
    return found


def once(text: list[str]) -> set[str]:
    """Return the lines that are there once, and say something."""
    return {line for line, count in Counter(text).items() if count == 1 and len(line.strip()) > 2}


def misplaced(base: list[str], team: list[str], new: list[str], result: list[str]) -> list[str]:
    """Return the lines of the team that are not where it put them.

    Of a line that the team has added, the nearest unique lines before and after that neither side
    touched, or put elsewhere, have to be before and after it in the result.
    """
    unique = once(base) & once(team) & once(new) & once(result)
    was, now = ([line for line in lines if line in unique] for lines in (base, new))
    blocks = difflib.SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks()
    fixed = {line for block in blocks for line in was[block.a : block.a + block.size]}
    place = {line: number for number, line in enumerate(result)}
    wrong = []
    for number, line in enumerate(team):
        if "fuzz " not in line or line not in once(team) or line not in place:
            continue
        before = next((each for each in reversed(team[:number]) if each in fixed), None)
        after = next((each for each in team[number + 1 :] if each in fixed), None)
        if (before and place[before] > place[line]) or (after and place[after] < place[line]):
            wrong.append(line)
    return wrong


def faults(edits: Edits, new: Tree, found: Any) -> list[str]:
    """Return every way in which a merge has lost, doubled or misplaced an edit without a word."""
    said: list[str] = []
    result: Tree = {path: file for path, file in edits.team.items() if path not in found.removed}
    result |= found.changed
    said += [
        f"{path}: a file of the team has changed"
        for path in edits.added
        if result.get(path) != edits.team[path]
    ]
    for path in edits.deleted:
        if path in result:
            said.append(f"{path}: a deleted file is back")
        if path in new and new[path] != edits.base[path] and path not in found.absent:
            said.append(f"{path}: nobody hears that it was deleted and would have changed")
    for path in sorted(edits.edited):
        at = edits.renamed.get(path, path)
        if at in found.conflicts or at in found.edited or path in found.absent:
            continue
        if at not in result:
            said.append(f"{at}: gone, and not reported")
            continue
        wanted, now = lines(edits.team[at]), lines(result[at])
        before, after = lines(edits.base[path]), lines(new.get(path, edits.base[path]))
        mine, theirs, brought = Counter(wanted), Counter(now), Counter(after)
        said += [
            f"{at}: {theirs[line]} instead of {mine[line]} of {line!r}"
            for line in mine
            if "fuzz " in line and theirs[line] != mine[line]
        ]
        said += [
            f"{at}: a deleted line is back: {line!r}"
            for line in once(before) - set(wanted)
            if theirs[line] > max(brought[line] - 1, 0)
        ]
        said += [f"{at}: misplaced {line!r}" for line in misplaced(before, wanted, after, now)]
        # What the move brings has to be there as well.
        said += [
            f"{at}: the move's line is missing: {line!r}"
            for line in once(after) - set(before)
            if line not in theirs
        ]
    for path, (base, ours, theirs_file) in found.conflicts.items():
        if base and not touches(lines(base), lines(ours), lines(theirs_file)):
            said.append(f"{path}: a conflict of changes that are not next to each other")
    for path, file in new.items():
        moved = edits.renamed.get(path, path)
        untouched = edits.team.get(moved) == edits.base.get(path)
        if untouched and path not in edits.deleted and result.get(moved) != file:
            said.append(f"{moved}: not as the move brings it, although nobody edited it")
    return said


def touches(base: list[str], ours: list[str], theirs: list[str]) -> bool:
    """Whether two changes are of the same lines, or of neighbouring ones."""
    return any(
        begin <= other_end + 1 and other <= end + 1
        for begin, end in hunks(base, ours)
        for other, other_end in hunks(base, theirs)
    )


def hunks(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Return the lines of `old` that git says are changed, as their first and last boundary."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("old", old), ("new", new)):
            (Path(folder) / name).write_text("\n".join(text))
        done = subprocess.run(
            ["git", "diff", "--no-index", "--no-indent-heuristic", "--unified=0", "old", "new"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    found = []
    for begin, count in re.findall(r"^@@ -(\d+)(?:,(\d+))? ", done.stdout, re.MULTILINE):
        length = int(count or 1)
        first = int(begin) - (length > 0)
        found.append((first, first + length))
    return found


class Files(Mapping[str, Any]):
    """The committed files of a team, for a merge without git."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.read = tree
        self.entries = {path: (file.mode, path, len(file.content)) for path, file in tree.items()}

    def __getitem__(self, path: str) -> Any:
        return self.tree[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tree)

    def __len__(self) -> int:
        return len(self.tree)

    def load(self, paths: list[str]) -> None:
        """All are read."""

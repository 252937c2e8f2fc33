"""The three-way merge: what was rendered, what the team made of it, and what is rendered now."""

import difflib
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

from moving.neighbours import settled
from moving.repository import LINK, MERGING, File, Refused, Team, Tree, settings

RESERVED = ".stagecraft-new"
# How much of a rendered file a file of another name must have to be that file, moved by the team.
SIMILAR = 0.8


@dataclass
class Merge:
    """What a move does to the files of the team."""

    changed: Tree = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    conflicts: dict[str, tuple[File | None, File, File]] = field(default_factory=dict)
    """Files with conflict markers: as rendered before, as committed, as rendered now."""
    settled: list[str] = field(default_factory=list)
    """Files merged by `neighbours.py`: git could not merge them, and no edit is in conflict."""
    reserved: list[str] = field(default_factory=list)
    """Files of the team where the template brings one."""
    edited: list[str] = field(default_factory=list)
    """Files that the move removes although the team has edited them."""
    absent: list[str] = field(default_factory=list)
    """Files that the move changes and the team has deleted."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Files that the move changes where the team has put them, by their rendered paths."""


def lines_of(content: bytes) -> list[bytes]:
    return content.replace(b"\r\n", b"\n").split(b"\n")


def similarity(one: bytes, other: bytes) -> float:
    """Return how much of two texts is the same, from 0 to 1; 0 below `SIMILAR`."""
    matcher = difflib.SequenceMatcher(None, lines_of(one), lines_of(other), autojunk=False)
    # The first two are upper bounds, and cheap.
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < SIMILAR:
        return 0
    return matcher.ratio()


def renames(base: Tree, new: Tree, team: Team) -> dict[str, str]:
    """Return where the team has moved rendered files, by their rendered paths."""
    gone = [path for path in base if path not in team]
    added = [path for path in team if path not in base and path not in new]
    found: dict[str, str] = {}
    for path in base:
        if path in team and team.entries[path][0] == LINK != base[path].mode:
            # A link in its place, to a file of another name.
            target = os.path.normpath(PurePosixPath(path).parent / team[path].content.decode())
            if target in added:
                found[path] = target
    for path in gone:
        size = len(base[path].content)
        similar = [each for each in added if size / 2 <= team.entries[each][2] <= size * 2 + 64]
        if not size or len(similar) > 500:
            continue
        team.load(similar)
        scores = {each: similarity(base[path].content, team[each].content) for each in similar}
        best = max(
            scores, key=lambda each: (scores[each], Path(each).name == Path(path).name), default=""
        )
        others = [each for each in scores if each != best and scores[each] == scores.get(best)]
        same_name = Path(best).name == Path(path).name
        if (
            best
            and scores[best] >= SIMILAR
            and (same_name or not others)
            and best not in found.values()
        ):
            found[path] = best
    return found


def with_line_ends(content: bytes, like: bytes) -> bytes:
    """Return a text with the line ends of another."""
    if b"\r\n" in like and like.count(b"\r\n") == like.count(b"\n"):
        return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return content


class Outcome(Enum):
    """How a text was merged."""

    CLEAN = 1
    SETTLED = 2
    CONFLICT = 3


def merged_text(path: str, base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, Outcome]:
    """Return a three-way merge, which has markers if it is a conflict, and its outcome."""
    base, theirs = with_line_ends(base, ours), with_line_ends(theirs, ours)
    if base == ours:
        return theirs, Outcome.CLEAN
    with tempfile.TemporaryDirectory(prefix="stagecraft-") as folder:
        names = ("ours", "base", "theirs")
        for name, content in zip(names, (ours, base, theirs), strict=True):
            (Path(folder) / name).write_bytes(content)
        labels = ("before updating", "last update", "after updating")
        done = subprocess.run(
            [
                "git",
                "merge-file",
                "-p",
                *(part for label in labels for part in ("-L", label)),
                *names,
            ],
            cwd=folder,
            capture_output=True,
            env=os.environ | settings(MERGING),
        )
    if not 0 <= done.returncode <= 127:
        raise Refused(done.stderr.decode(errors="replace"))
    if not done.returncode:
        return done.stdout, Outcome.CLEAN
    if (text := settled(path, base, ours, theirs)) is not None:
        return text, Outcome.SETTLED
    return done.stdout, Outcome.CONFLICT


def changed_lines(old: bytes, new: bytes) -> tuple[Counter[bytes], Counter[bytes]]:
    """Return the lines that a change adds and those that it takes away."""
    before, after = lines_of(old), lines_of(new)
    added: Counter[bytes] = Counter()
    gone: Counter[bytes] = Counter()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            gone.update(before[i1:i2])
            added.update(after[j1:j2])
    return added, gone


def keeps_every_edit(base: bytes, ours: bytes, theirs: bytes, result: bytes) -> bool:
    """Whether the result has the lines that the team added, and not those that it deleted.

    The second line of defence: it does not know how the merge was made. A change that both sides
    made is allowed to be there once.
    """
    added, gone = changed_lines(base, ours)
    also_added, also_gone = changed_lines(base, theirs)
    new, now = Counter(lines_of(theirs)), Counter(lines_of(result))
    return all(
        -min(added[line], also_added[line])
        <= now[line] - (new[line] + added[line] - gone[line])
        <= min(gone[line], also_gone[line])
        for line in added.keys() | gone.keys()
    )


def merge(base: Tree, new: Tree, team: Team, moved: Mapping[str, str] | None = None) -> Merge:
    """Return what turns the files of the team into those of the wanted project, with its edits.

    `moved` has the paths that the template renders elsewhere now, by their old paths.
    """
    found = Merge(renamed=renames(base, new, team))
    at = dict(found.renamed)
    sources: dict[str, str] = {}
    for was, path in (moved or {}).items():
        if was not in base or was in new or path not in new or path in base:
            continue
        if was in at:
            at[path] = at[was]  # the team has put it elsewhere, and there it stays
        else:
            at[was] = path
            sources[path] = was
    base = {at.get(path, path): file for path, file in base.items()}
    new = {at.get(path, path): file for path, file in new.items()}
    managed = sorted(base.keys() | new.keys())
    team.load([path for path in {*managed, *sources.values()} if path in team])
    for path in managed:
        source = sources.get(path, path)
        combine(found, path, base.get(path), team.get(source), new.get(path), source)
    touched = {*found.changed, *found.removed}
    found.renamed = {was: path for was, path in found.renamed.items() if path in touched}
    return found


def combine(
    found: Merge, path: str, old: File | None, ours: File | None, now: File | None, source: str
) -> None:
    """Note in `found` what becomes of one file, which the team has at `source`."""
    if source != path and ours is not None:
        found.removed.append(source)
    elif now in (old, ours):
        return
    if ours is None:
        if old is None and now is not None:
            found.changed[path] = now
        elif now is not None:
            found.absent.append(path)
    elif now is None:
        found.removed.append(path)
        if ours != old:
            found.edited.append(path)
    elif ours == old:
        found.changed[path] = now
    elif old is None or not (old.is_text and ours.is_text and now.is_text):
        if old is None and ours.content == now.content:
            return
        found.reserved.append(path)
        found.changed[path + RESERVED] = now
        if source != path:
            found.changed[path] = ours
    else:
        mode = now.mode if ours.mode == old.mode else ours.mode
        text, outcome = merged_text(path, old.content, ours.content, now.content)
        if outcome is not Outcome.CONFLICT and not keeps_every_edit(
            old.content, ours.content, now.content, text
        ):
            raise Refused(f"The merge of {path} would lose an edit. Please report this.")
        if source != path or File(mode, text) != ours:
            found.changed[path] = File(mode, text)
        if outcome is Outcome.CONFLICT:
            found.conflicts[path] = (old, ours, now)
        elif outcome is Outcome.SETTLED:
            found.settled.append(path)

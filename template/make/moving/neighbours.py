"""Merges list entries that git reports as a conflict.

Git reports a conflict when both sides change neighbouring lines or add lines at the same place,
because neighbouring lines of a program depend on each other. List entries do not: a bot can bump a
requirement while a level adds another one below it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from moving.forms import Items, reader_of

Lines = Sequence[bytes]

# The first word of a line: a requirement, a key, a variable, or the first cell of a row.
WORD = re.compile(rb"[\s\"'#|*-]*([^\s\"'=<>~!:|\[]*)")


@dataclass(frozen=True)
class Hunk:
    """Lines of the base, from `begin` to before `end`, and what is in their place."""

    begin: int
    end: int
    lines: tuple[bytes, ...]

    @property
    def adds(self) -> bool:
        return self.begin == self.end


def hunks(base: Lines, side: Lines) -> list[Hunk]:
    """Return the changes of one side, as small as they can be."""
    found = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, base, side, autojunk=False).get_opcodes():
        if kind == "replace":
            found += paired(base, side, (i1, i2), (j1, j2))
        elif kind != "equal":
            found.append(Hunk(i1, i2, tuple(side[j1:j2])))
    return found


def word_of(line: bytes) -> bytes:
    found = WORD.match(line)
    return found.group(1) if found else b""


def paired(base: Lines, side: Lines, old: tuple[int, int], new: tuple[int, int]) -> list[Hunk]:
    """Split a replaced block where a line is the same entry with another value."""
    before = [word_of(line) for line in base[slice(*old)]]
    after = [word_of(line) for line in side[slice(*new)]]
    found = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        begin, first = old[0] + i1, new[0] + j1
        if kind == "equal":
            found += [
                Hunk(begin + number, begin + number + 1, (side[first + number],))
                for number in range(i2 - i1)
                if base[begin + number] != side[first + number]
            ]
        else:
            found.append(Hunk(begin, old[0] + i2, tuple(side[first : new[0] + j2])))
    return found


def apart(one: Hunk, other: Hunk) -> bool:
    """Whether two changes are of different lines of the base; they may be neighbours."""
    if one.adds and other.adds:
        return one.begin != other.begin
    if one.adds or other.adds:
        added, replaced = (one, other) if one.adds else (other, one)
        return not replaced.begin < added.begin < replaced.end
    return max(one.begin, other.begin) >= min(one.end, other.end)


def combined(base: Lines, first: list[Hunk], second: list[Hunk]) -> list[bytes]:
    """Return the base with the changes of both; at the same place those of `first` come first."""
    ordered = sorted(
        [(hunk.begin, hunk.end, 0, hunk) for hunk in first]
        + [(hunk.begin, hunk.end, 1, hunk) for hunk in second if hunk not in first],
        key=lambda each: each[:3],
    )
    result: list[bytes] = []
    done = 0
    for begin, end, _, hunk in ordered:
        result += [*base[done:begin], *hunk.lines]
        done = end
    return [*result, *base[done:]]


def has_both_changes(base: Items, ours: Items, theirs: Items, result: Items) -> bool:
    """Whether a result is the base with the changes of both sides, and nothing else."""
    for each in base.keys() | ours.keys() | theirs.keys() | result.keys():
        mine, its = ours[each] - base[each], theirs[each] - base[each]
        if result[each] != base[each] + (mine if mine == its else mine + its):
            return False
    return True


Pairs = list[tuple[Hunk, Hunk]]
"""A change of the team and one of the template."""


def are_rows(lines: Lines) -> bool:
    """Whether these are rows of a Markdown table."""
    return all(re.match(rb"\|.*\|\s*$", line) for line in lines)


def are_steps(lines: Lines) -> bool:
    """Whether these lines of a Dockerfile or makefile are complete: no recipe, no continuation."""
    return not any(line.startswith((b"\t", b" ")) or line.endswith(b"\\") for line in lines)


def begins_a_rule(lines: Lines) -> bool:
    """Whether lines added to a makefile start a rule instead of continuing a recipe."""
    text = [line for line in lines if line.strip()]
    return bool(text) and are_steps(text[:1])


def is_list(path: str, base: Lines, close: Pairs, same_place: Pairs) -> bool:
    """Whether the lines where both sides meet are independent entries.

    `close` has the changes that touch; `same_place` has those of them that both add lines.
    """
    name = PurePosixPath(path).name
    if reader_of(path) or name in (".gitignore", ".dockerignore", ".gitattributes"):
        return True
    touching = [
        [*base[each.begin : each.end], *each.lines]
        for pair in close
        if pair not in same_place
        for each in pair
    ]
    if name == "Dockerfile":
        return not same_place and all(map(are_steps, touching))
    if name == "Makefile" or name.endswith(".mk"):
        return all(map(are_steps, touching)) and all(
            begins_a_rule(each.lines) for pair in same_place for each in pair
        )
    if name.endswith(".md"):
        return all(map(are_rows, touching)) and (
            all(are_rows(one.lines) for one, _ in same_place)
            or all(are_rows(other.lines) for _, other in same_place)
        )
    return False


def settled(path: str, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Return the merge of a file that git could not merge, or nothing if it is a true conflict.

    A result in YAML, TOML or the form of .env is checked: parsed, it has exactly the changes of
    both sides. In other files, only list entries are merged.
    """
    lines, our_lines, their_lines = (each.split(b"\n") for each in (base, ours, theirs))
    mine, its = hunks(lines, our_lines), hunks(lines, their_lines)
    pairs = [(one, other) for one in mine for other in its if one != other]
    close = [
        (one, other) for one, other in pairs if one.begin <= other.end and other.begin <= one.end
    ]
    meeting = [(one, other) for one, other in close if not apart(one, other)]
    if not all(one.adds and other.adds for one, other in meeting):
        return None
    if not is_list(path, lines, close, meeting):
        return None
    reader = reader_of(path)
    sequences = [(its, mine), (mine, its)]
    if path.endswith(".md") and not all(are_rows(other.lines) for _, other in meeting):
        sequences.reverse()  # a row belongs to the table that is there, and not below what is new
    for first, second in sequences:
        result = b"\n".join(combined(lines, first, second))
        try:
            if reader is None or has_both_changes(*map(reader, (base, ours, theirs, result))):
                return result
        except ValueError:
            continue
    return None

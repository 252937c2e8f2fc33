"""Finds files that the pages of the project name, and that are not there."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from moving.repository import Tree

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\s]+/[^`\s]*)`")
# A file that the reader of a page is to create.
CREATED = re.compile(r"File `[^`]+`:")
MADE_LATER = ("reports/", "backups/", "certs/", "secrets/", "tests/load/baseline.json")


def missing(
    text: str, page: str, folder: Path, lines: Collection[str] | None = None
) -> Iterator[str]:
    """Yield each file that a page names and that is not below `folder`; of these `lines` only."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if fenced or CREATED.fullmatch(line) or (lines is not None and line not in lines):
            continue
        for link in LINK.findall(line):
            # An address of elsewhere has a scheme.
            if ":" not in link and not (folder / page).parent.joinpath(link).exists():
                yield link
        for name in CODE.findall(line):
            if name.startswith(("/", "http", *MADE_LATER)) or "..." in name:
                continue
            # A pattern names a kind of files, and the project may not have any of them yet.
            named = name.partition("*")[0].rpartition("/")[0] if "*" in name else name
            if not (folder / named).exists():
                yield name


def untrue(rendered: Tree) -> list[str]:
    """Return the missing files that rendered lines of pages name; edited lines are skipped."""
    said = []
    for page, file in sorted(rendered.items()):
        if not page.endswith(".md") or not Path(page).is_file():
            continue
        ours = set(file.content.decode().splitlines())
        text = Path(page).read_text(errors="replace")
        said += [f"{page}: {name}" for name in missing(text, page, Path(), ours)]
    return said

"""Finds files that the pages of the project name, and that are not there."""

import re
from collections.abc import Iterator
from pathlib import Path

from moving.repository import Tree

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\s]+/[^`\s]*)`")
# A file that the reader of a page is to create.
CREATED = re.compile(r"File `[^`]+`:")
MADE_LATER = ("reports/", "backups/", "certs/", "secrets/", "tests/load/baseline.json")


def missing(text: str, page: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each line of a page, with a file that it names and that is not below `folder`."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if fenced or CREATED.fullmatch(line):
            continue
        for link in LINK.findall(line):
            # An address of elsewhere has a scheme.
            if ":" not in link and not (folder / page).parent.joinpath(link).exists():
                yield line, link
        for name in CODE.findall(line):
            if name.startswith(("/", "http", *MADE_LATER)) or "..." in name:
                continue
            if not any(folder.glob(name.rstrip("/"))):
                yield line, name


def untrue(rendered: Tree) -> list[str]:
    """Return what is wrong in pages of this folder, where they say what was rendered.

    Lines that the team has written are its own affair.
    """
    said = []
    for page, file in sorted(rendered.items()):
        if not page.endswith(".md") or not Path(page).is_file():
            continue
        ours = set(file.content.decode().splitlines())
        found = missing(Path(page).read_text(errors="replace"), page, Path())
        said += [f"{page}: {name}" for line, name in found if line in ours]
    return said

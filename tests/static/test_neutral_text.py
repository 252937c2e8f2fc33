"""A project without the example says nothing of the shop: mechanisms name no domain."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment

from extensions.stages import Combination, template_files
from tests.support.matrix import BARE, RULES
from tests.support.project import CONFIG, files_of, render

# Names on the wire and in the database: what a domain is made of.
DECLARING = re.compile(r".*/contracts/src/.*\.py|.*/migrations/versions/.*\.py|tests/notes/.*\.py")
# Words of the example that are also plain English, or that mechanisms use in a sense of their own.
ENGLISH = {
    "added",
    "amount",
    "cancelled",
    "first",
    "is",
    "line",
    "lines",
    "order",
    "paid",
    "placed",
    "position",
    "price",
    "state",
    "summary",
    "total",
    "unit",
    "updated",
}
# What the inbox answers; the example's contract hands it on.
INBOX = {"is_first"}


def declared(text: str) -> Iterator[str]:
    """Yield the names of the classes, fields, events, tables and columns of a file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and re.fullmatch(r"\w+\.\w+", str(node.value)):
            yield str(node.value)
        if isinstance(node, ast.ClassDef):
            yield node.name
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                    yield each.target.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.args[0] if node.args else None
            if node.func.attr in ("create_table", "Column") and isinstance(name, ast.Constant):
                yield str(name.value)


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)]


@cache
def vocabulary() -> re.Pattern[str]:
    """Return what matches the names and words that only the example declares."""
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for path, file in template_files().items():
        if DECLARING.fullmatch(path):
            names[RULES.of_example(path)].update(declared(file.read_text()))
    single = {of: {word for name in found for word in words(name)} for of, found in names.items()}
    ours = single[True] - single[False] - ENGLISH
    default = Environment().from_string(CONFIG["project_name"]["default"]).render(example=True)
    ours |= {f"{word}s" for word in ours} | set(words(default))
    compound = {name for name in names[True] - names[False] - INBOX if len(words(name)) > 1}
    either = "|".join(sorted(map(re.escape, compound)))
    # "order" as a thing, and not as a sequence.
    things = "(?:an|each|every|new) orders?"
    return re.compile(rf"\b(?:(?i:{'|'.join(sorted(ours))}|{things})|{either})\b")


def test_the_words_are_those_of_the_shop() -> None:
    for text in (
        "Orders",
        "a customer",
        "SKU",
        "order_lines",
        "OrderPlaced",
        "order.paid",
        "The shop",
    ):
        assert vocabulary().search(text), text
    for text in ("in their order", "a unit test", "ORDER BY", "the first line", "workshop"):
        assert not vocabulary().search(text), text


@pytest.mark.parametrize("combination", BARE, ids=str)
def test_without_the_example_nothing_speaks_of_it(tmp_path: Path, combination: Combination) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, content in files_of(render(tmp_path / "project", combination)).items()
        for number, line in enumerate(f"{path}\n{content.decode()}".splitlines())
        if vocabulary().search(line)
    ]
    assert found == []


def test_models_of_the_projects_tests_are_not_looked_up_by_name() -> None:
    """A model of the team may have the same name, and SQLAlchemy would not know which is meant."""
    found = [
        (path, ast.unparse(node))
        for path, file in template_files().items()
        if path.startswith("tests/") and file.suffix == ".py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "relationship"
    ]
    assert found
    assert [each for each in found if "relationship(lambda: " not in each[1]] == []

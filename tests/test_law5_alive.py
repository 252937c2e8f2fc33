"""Law 5, alive: every file and every condition of the template matters in some combination."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jinja2

from extensions.stages import template_files
from tests.support.matrix import PYTHONS, RULES
from tests.support.project import files_of, render

# After each of these tags a branch begins; the marker behind it shows in the output that it ran.
BRANCH = re.compile(r"{%-?\s*(if|elif|else|endif)\b.*?-?%}", re.DOTALL)
MARKER = re.compile(r"\x02([^\x03]+)\x03")


def branches(name: str, source: str) -> tuple[str, dict[str, list[str]]]:
    """Return the source with a marker in each branch, and the branches of each condition.

    A condition without `else` gets one, so that "not taken" is a branch like any other.
    """
    found: dict[str, list[str]] = {}
    open_conditions: list[str] = []
    has_else: list[bool] = []

    def mark(match: re.Match[str]) -> str:
        tag, kind = match.group(0), match.group(1)
        line = source.count("\n", 0, match.start()) + 1
        if kind == "if":
            open_conditions.append(f"{name}:{line}")
            has_else.append(False)
            found[open_conditions[-1]] = []
        if kind == "endif":
            condition, complete = open_conditions.pop(), has_else.pop()
            if complete:
                return tag
            found[condition].append(f"{condition} otherwise")
            return f"{{% else %}}\x02{condition} otherwise\x03{tag}"
        if not open_conditions:
            return tag  # the else of a loop
        has_else[-1] = has_else[-1] or kind == "else"
        branch = f"{open_conditions[-1]} {kind} at line {line}"
        found[open_conditions[-1]].append(branch)
        return f"{tag}\x02{branch}\x03"

    return BRANCH.sub(mark, source), found


@contextmanager
def marked(conditions: dict[str, list[str]]) -> Iterator[None]:
    """Render with markers in every template that Copier loads."""
    stock: Any = jinja2.FileSystemLoader.get_source

    def get_source(loader: Any, environment: Any, name: str) -> Any:
        source, path, fresh = stock(loader, environment, name)
        if not name.endswith(".jinja"):
            return source, path, fresh
        text, found = branches(name, source)
        conditions.update(found)
        return text, path, fresh

    with patch.object(jinja2.FileSystemLoader, "get_source", get_source):
        yield


def test_every_condition_is_sometimes_true_and_sometimes_false(tmp_path: Path) -> None:
    conditions: dict[str, list[str]] = {}
    taken: set[str] = set()
    with marked(conditions):
        for number, combination in enumerate(RULES.combinations()):
            for python in PYTHONS:
                folder = render(
                    tmp_path / f"{number}-{python}",
                    combination,
                    {"python_version": python},
                    stock=True,
                )
                for content in files_of(folder).values():
                    taken |= set(MARKER.findall(content.decode()))
    assert conditions
    dead = {
        condition: [branch for branch in its if branch not in taken]
        for condition, its in conditions.items()
        if condition.startswith("template/") and not set(its) <= taken
    }
    assert dead == {}


def test_every_file_is_rendered_in_some_combination() -> None:
    rendered = defaultdict(set)
    for combination in RULES.combinations():
        for path in RULES.rendered(combination):
            rendered[path].add(combination)
    assert set(rendered) == set(template_files())
    # What is there in every combination is what level 1 without a module has, and nothing else.
    always = {path for path, where in rendered.items() if len(where) == len(RULES.combinations())}
    assert always == RULES.rendered(RULES.combinations()[0])


def test_the_law_sees_a_dead_branch() -> None:
    text, found = branches("x", "{% if a %}1{% elif b %}2{% endif %}")
    assert found == {"x:1": ["x:1 if at line 1", "x:1 elif at line 1", "x:1 otherwise"]}
    template = jinja2.Template(text)
    assert MARKER.findall(template.render(a=False, b=True)) == ["x:1 elif at line 1"]
    assert MARKER.findall(template.render(a=False, b=False)) == ["x:1 otherwise"]

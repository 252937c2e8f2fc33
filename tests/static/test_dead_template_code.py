"""Every file and every condition of the template matters in some combination."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jinja2
from jinja2 import nodes

from extensions.stages import Combination, template_files
from tests.support import fast_copier
from tests.support.matrix import ALL, BARE, FULL, PYTHONS, RULES
from tests.support.project import render

# With other pipelines without modules and with all of them: no condition asks for both.
WATCHED = [
    combination
    for combination in RULES.combinations()
    if FULL
    or combination.modules in (frozenset[str](), ALL)
    or combination.ci_provider == Combination.ci_provider
] + BARE
# How each condition came out, by its place: tags, loops' filters and inline ones alike.
SEEN: defaultdict[str, set[bool]] = defaultdict(set)


def see(place: str, value: object) -> object:
    """Note how a condition came out, and return its value. Templates that are watched call this."""
    SEEN[place].add(bool(value))
    return value


def watch(tree: nodes.Template, name: str) -> None:
    """Let every condition of a parsed template call `see`."""
    conditional = (nodes.If, nodes.CondExpr, nodes.For)
    for number, node in enumerate(tree.find_all(nodes.Node)):
        if not isinstance(node, conditional) or node.test is None:
            continue
        place = f"{name}:{node.lineno} {type(node).__name__} {number}"
        SEEN[place]  # it is there, even if nothing reaches it
        call = nodes.ImportedName(f"{__name__}.see")
        arguments = [nodes.Const(place), node.test]
        node.test = nodes.Call(call, arguments, [], None, None).set_lineno(node.lineno)


@contextmanager
def watched() -> Iterator[None]:
    """Watch every template that Copier compiles, and keep none that was compiled before."""
    stock: Callable[..., Any] = jinja2.Environment._generate

    def generate(
        environment: Any, tree: nodes.Template, name: str | None, *more: Any, **rest: Any
    ) -> Any:
        if name is not None:
            watch(tree, name)
        return stock(environment, tree, name, *more, **rest)

    SEEN.clear()
    with (
        patch.object(jinja2.Environment, "_generate", generate),
        patch.dict(fast_copier.compiled, clear=True),
    ):
        yield


def test_every_condition_is_sometimes_true_and_sometimes_false(tmp_path: Path) -> None:
    with watched():
        # By turns with each Python: no condition asks for that and for modules.
        for combination, python in zip(WATCHED, cycle(PYTHONS), strict=False):
            target = tmp_path / str(combination)
            render(target, combination, {"python_version": python})
    found = {place: how for place, how in SEEN.items() if place.startswith("template/")}
    assert found
    assert {place: how for place, how in found.items() if how != {True, False}} == {}


def test_every_file_is_rendered_in_some_combination() -> None:
    rendered = defaultdict(set)
    for combination in RULES.combinations():
        for path in RULES.rendered(combination):
            rendered[path].add(combination)
    assert set(rendered) == set(template_files())
    # What is there in every combination is what level 1 without a module has, and nothing else.
    always = {path for path, where in rendered.items() if len(where) == len(RULES.combinations())}
    assert always == RULES.rendered(RULES.combinations()[0])


def test_a_dead_branch_is_seen() -> None:
    source = (
        "{% if a %}1{% elif b %}2{% endif %}{{ 3 if a else 4 }}{% for c in [1] if c %}{% endfor %}"
    )
    with watched():
        environment = jinja2.Environment()
        code = environment.compile(source, "x")
        template = jinja2.Template.from_code(environment, code, {})
        assert template.render(a=False, b=True) == "24"
    assert [how for _, how in sorted(SEEN.items())] == [{False}, {True}, {False}, {True}]

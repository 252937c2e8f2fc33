"""Parses YAML, TOML and .env files, so that merges can be checked by their content."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

# Of the environment that `uv run --script` makes; the project itself does not depend on it.
yaml: Any = import_module("yaml")
STRING, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


def yaml_of(content: bytes, *, resolve: bool = True) -> Any:
    """Parse YAML strictly: a duplicate key raises `ValueError`. Tags are ignored.

    Without `resolve`, an alias is the text "*name" instead of the value it refers to.
    """

    class Strict(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if not resolve and self.check_event(yaml.AliasEvent):
                alias = self.get_event()
                return yaml.ScalarNode(STRING, f"*{alias.anchor}", alias.start_mark)
            return super().compose_node(parent, index)

        def flatten_mapping(self, node: Any) -> None:
            if resolve:
                super().flatten_mapping(node)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [key.value for key, _ in node.value if key.tag != MERGE]
            for key, count in Counter(map(str, keys)).items():
                if count > 1:
                    line = node.start_mark.line + 1
                    raise ValueError(f'the key "{key}" occurs {count} times, below line {line}')
            return super().construct_mapping(node, deep)

    def plain(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Strict.add_multi_constructor("!", plain)
    Strict.add_constructor(MERGE, lambda loader, node: plain(loader, MERGE, node))
    try:
        return yaml.load(content, Strict)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def env_keys(content: bytes) -> list[str]:
    """Return the variables that a file in the form of .env sets."""
    return re.findall(r"^([A-Za-z_][A-Za-z0-9_]*)=", content.decode(errors="replace"), re.MULTILINE)


def items(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield a document's values as pairs of path and value. The order of lists does not count."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from items(each, f"{path}/{key}")
    elif isinstance(value, list) and value:
        for each in value:
            yield f"{path}[]", json.dumps(each, sort_keys=True, default=repr)
    else:
        yield path, repr(value)


Items = Counter[tuple[str, str]]
"""A document's values, each with its path."""


def toml_items(content: bytes) -> Items:
    return Counter(items(tomllib.loads(content.decode())))


def yaml_items(content: bytes) -> Items:
    return Counter(items(yaml_of(content, resolve=False)))


def env_items(content: bytes) -> Items:
    """Return the settings of a .env file; raise `ValueError` for a variable that is set twice."""
    if [key for key, count in Counter(env_keys(content)).items() if count > 1]:
        raise ValueError("a variable is set twice")
    return Counter((line.partition("=")[0], line) for line in content.decode().splitlines())


Reader = Callable[[bytes], Items]


def reader_of(path: str) -> Reader | None:
    """Return the function that parses a file, or None for files that are not parsed."""
    name = PurePosixPath(path).name
    if name.endswith(".toml"):
        return toml_items
    if name.endswith((".yml", ".yaml")):
        return yaml_items
    if name.startswith(".env"):
        return env_items
    return None

"""Reads Logstash's configuration and runs its pipelines, as far as the template uses them.

It knows exactly the plugins, options and conditions that are used, with the order in which Logstash
applies them, and raises for all others: a pipeline that grows makes this grow. It proves what the
configuration says, not that Logstash says the same.
"""

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer

GRAMMAR = r"""
    start: section+
    section: SECTION "{" statement* "}"
    SECTION: "input" | "filter" | "output"
    ?statement: plugin | branch
    plugin: NAME "{" option* "}"
    option: NAME "=>" value
    branch: "if" condition "{" block "}" ["else" "{" block "}"]
    block: statement*
    ?condition: FIELD "==" STRING -> equal
              | FIELD "=~" REGEX -> match
              | FIELD -> present
    ?value: STRING -> string
          | INTEGER -> integer
          | BOOLEAN -> boolean
          | "[" value ("," value)* "]" -> array
          | "{" (STRING "=>" value)* "}" -> hash
    FIELD: /(\[[^\[\],\s"]+\])+/
    REGEX: /\/(\\.|[^\/\\])+\//
    STRING: /"[^"]*"/
    BOOLEAN.2: "true" | "false"
    INTEGER: /\d+/
    NAME: /[a-z_]+/
    COMMENT: /#[^\n]*/
    %ignore COMMENT
    %ignore /\s+/
"""


class UnknownConfigurationError(ValueError):
    """The configuration uses something that is not modelled here."""


@dataclass
class Event:
    """An event of Logstash: fields, and metadata that no output writes."""

    fields: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)

    def _place(self, name: str, make: bool) -> tuple[dict[str, Any] | None, str]:
        path = re.findall(r"\[([^\]]+)\]", name) if name.startswith("[") else [name]
        here: Any = self.fields
        if path[0] == "@metadata":
            here, path = self.metadata, path[1:]
        for part in path[:-1]:
            if make and not isinstance(here.get(part), dict):
                here[part] = {}
            here = here.get(part) if isinstance(here, dict) else None
            if not isinstance(here, dict):
                return None, path[-1]
        return here, path[-1]

    def has(self, name: str) -> bool:
        place, last = self._place(name, make=False)
        return place is not None and last in place

    def get(self, name: str) -> Any:
        place, last = self._place(name, make=False)
        return None if place is None else place.get(last)

    def set(self, name: str, value: Any) -> None:
        place, last = self._place(name, make=True)
        assert place is not None
        place[last] = value

    def remove(self, name: str) -> Any:
        place, last = self._place(name, make=False)
        return None if place is None else place.pop(last, None)

    def tag(self, name: str) -> None:
        self.fields.setdefault("tags", []).append(name)

    def format(self, text: str) -> str:
        """Put fields in the place of %{...}; one that is not there stays as it is written."""

        def value(found: re.Match[str]) -> str:
            got = self.get(found[1])
            return found[0] if got is None else got if isinstance(got, str) else json.dumps(got)

        return re.sub(r"%\{([^}]+)\}", value, text)


Options = dict[str, Any]
Condition = Callable[[Event], bool]


@dataclass(frozen=True)
class Plugin:
    """A plugin and its options."""

    name: str
    options: Options


@dataclass(frozen=True)
class Branch:
    """An if and its else."""

    condition: Condition
    then: list["Plugin | Branch"]
    otherwise: list["Plugin | Branch"]


def _pairs(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


# What every plugin may be told, and must be told.
KNOWN: dict[tuple[str, str], dict[str, Callable[[Any], bool]]] = {
    ("input", "beats"): {"port": _is(int), "enrich": _one_of("none")},
    ("input", "dead_letter_queue"): {
        "path": _is(str),
        "pipeline_id": _is(str),
        "clean_consumed": _is(bool),
    },
    ("filter", "mutate"): {
        "rename": _pairs,
        "copy": _pairs,
        "gsub": lambda value: _strings(value) and len(value) % 3 == 0,
        "add_field": _pairs,
        "remove_field": _strings,
    },
    ("filter", "json"): {"source": _is(str), "target": _is(str)},
    ("filter", "date"): {
        "match": lambda value: _strings(value) and len(value) == 2 and value[1] == "ISO8601",
        "remove_field": _strings,
    },
    ("filter", "prune"): {"whitelist_names": _strings},
    ("output", "elasticsearch"): {
        "hosts": _strings,
        "user": _is(str),
        "password": _one_of("${LOGSTASH_PASSWORD}"),
        "data_stream": _one_of("true"),
    },
}


def _text(token: Token) -> str:
    text = str(token)[1:-1]
    if "\\" in text:
        raise UnknownConfigurationError(f"a backslash in a string: {text}")
    return text


class _Reader(Transformer[Token, Any]):
    def start(self, sections: list[Any]) -> Any:
        return sections

    def section(self, parts: list[Any]) -> tuple[str, list[Any]]:
        return str(parts[0]), parts[1:]

    def plugin(self, parts: list[Any]) -> Plugin:
        names = [name for name, _ in parts[1:]]
        if len(names) != len(set(names)):
            raise UnknownConfigurationError(f"{parts[0]}: an option twice")
        return Plugin(str(parts[0]), dict(parts[1:]))

    def option(self, parts: list[Any]) -> tuple[str, Any]:
        return str(parts[0]), parts[1]

    def block(self, parts: list[Any]) -> list[Any]:
        return parts

    def branch(self, parts: list[Any]) -> Branch:
        return Branch(parts[0], parts[1], parts[2] or [])

    def equal(self, parts: list[Token]) -> Condition:
        name, value = str(parts[0]), _text(parts[1])
        return lambda event: bool(event.get(name) == value)

    def match(self, parts: list[Token]) -> Condition:
        name, pattern = str(parts[0]), re.compile(str(parts[1])[1:-1])

        def matches(event: Event) -> bool:
            value = event.get(name)
            return isinstance(value, str) and bool(pattern.search(value))

        return matches

    def present(self, parts: list[Token]) -> Condition:
        name = str(parts[0])
        return lambda event: event.get(name) not in (None, False)

    def string(self, parts: list[Token]) -> str:
        return _text(parts[0])

    def integer(self, parts: list[Token]) -> int:
        return int(parts[0])

    def boolean(self, parts: list[Token]) -> bool:
        return str(parts[0]) == "true"

    def array(self, parts: list[Any]) -> list[Any]:
        return parts

    def hash(self, parts: list[Any]) -> dict[str, Any]:
        return {_text(key): value for key, value in zip(parts[::2], parts[1::2], strict=True)}


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr")


def _plugins(statements: list[Plugin | Branch]) -> Iterator[Plugin]:
    for statement in statements:
        if isinstance(statement, Plugin):
            yield statement
        else:
            yield from _plugins([*statement.then, *statement.otherwise])


def _check(section: str, plugin: Plugin) -> None:
    known = KNOWN.get((section, plugin.name))
    if known is None:
        raise UnknownConfigurationError(f"{section} {plugin.name}")
    for name, value in plugin.options.items():
        if name not in known or not known[name](value):
            raise UnknownConfigurationError(f"{section} {plugin.name}: {name} => {value!r}")
    # A filter has options that may be left out; what comes in and goes out is told all.
    required = known.keys() if section != "filter" or plugin.name != "mutate" else set()
    if missing := set(required) - plugin.options.keys():
        raise UnknownConfigurationError(f"{section} {plugin.name} lacks {sorted(missing)}")


def _mutate(options: Options, event: Event) -> None:
    for old, new in options.get("rename", {}).items():
        if event.has(old):
            event.set(new, event.remove(old))
    gsub = options.get("gsub", [])
    for name, pattern, put in zip(gsub[::3], gsub[1::3], gsub[2::3], strict=True):
        value = event.get(name)
        if isinstance(value, str):
            event.set(name, re.sub(pattern, put, value))
        elif isinstance(value, list):
            event.set(name, [re.sub(pattern, put, v) if isinstance(v, str) else v for v in value])
    for source, target in options.get("copy", {}).items():
        if event.has(source):
            event.set(target, deepcopy(event.get(source)))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _json(options: Options, event: Event) -> None:
    source = event.get(options["source"])
    try:
        parsed = json.loads(source, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        event.tag("_jsonparsefailure")
        return
    event.set(options["target"], parsed)


ISO8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?")


def _date(options: Options, event: Event) -> bool:
    value = event.get(options["match"][0])
    if value is None:
        return False
    try:
        if not isinstance(value, str) or not ISO8601.fullmatch(value):
            raise ValueError
        moment = datetime.fromisoformat(value)
    except ValueError:
        event.tag("_dateparsefailure")
        return False
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    event.set("@timestamp", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    return True


def _prune(options: Options, event: Event) -> None:
    patterns = options["whitelist_names"]
    kept = {k: v for k, v in event.fields.items() if any(re.search(p, k) for p in patterns)}
    event.fields.clear()
    event.fields.update(kept)


def _filter(plugin: Plugin, event: Event) -> None:
    succeeded = True
    if plugin.name == "mutate":
        _mutate(plugin.options, event)
    elif plugin.name == "json":
        _json(plugin.options, event)
    elif plugin.name == "date":
        succeeded = _date(plugin.options, event)
    else:
        _prune(plugin.options, event)
    if not succeeded:
        return
    # What all filters can do, they do at their end, and first add, then remove.
    for name, value in plugin.options.get("add_field", {}).items():
        text = event.format(value)
        event.set(name, [event.get(name), text] if event.has(name) else text)
    for name in plugin.options.get("remove_field", []):
        event.remove(name)


@dataclass(frozen=True)
class Pipeline:
    """One file of the configuration."""

    inputs: list[Plugin]
    filters: list[Plugin | Branch]
    output: Plugin

    @classmethod
    def read(cls, file: Path) -> "Pipeline":
        """Read a file; raise `UnknownConfigurationError` for anything that is not modelled."""
        return cls.parse(file.read_text())

    @classmethod
    def parse(cls, text: str) -> "Pipeline":
        sections: dict[str, list[Any]] = {"input": [], "filter": [], "output": []}
        for name, statements in _Reader().transform(_parser().parse(text)):
            for plugin in _plugins(statements):
                _check(name, plugin)
            sections[name] += statements
        (output,) = sections["output"]
        if not isinstance(output, Plugin) or any(isinstance(i, Branch) for i in sections["input"]):
            raise UnknownConfigurationError("a condition around an input or an output")
        return cls(sections["input"], sections["filter"], output)

    def run(self, event: Event) -> tuple[str, dict[str, Any]]:
        """Return the data stream to which an event goes, and the document."""
        self._run(self.filters, event)
        stream = event.fields.setdefault("data_stream", {})
        for name, default in (("type", "logs"), ("dataset", "generic"), ("namespace", "default")):
            stream.setdefault(name, default)
        return "{type}-{dataset}-{namespace}".format(**stream), event.fields

    def _run(self, statements: list[Plugin | Branch], event: Event) -> None:
        for statement in statements:
            if isinstance(statement, Plugin):
                _filter(statement, event)
            elif statement.condition(event):
                self._run(statement.then, event)
            else:
                self._run(statement.otherwise, event)

    def datasets(self) -> set[str]:
        """The data streams that the configuration names."""
        found = {
            value
            for plugin in _plugins(self.filters)
            for name, value in plugin.options.get("add_field", {}).items()
            if name == "[data_stream][dataset]"
        }
        return {f"logs-{dataset}-default" for dataset in found}

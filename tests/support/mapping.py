"""Holds documents against the mapping of an index template, as Elasticsearch would.

It knows the types and settings that the template uses, and raises for all others. Where it is not
certain whether Elasticsearch takes a value, here it does not.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatch
from ipaddress import ip_address
from math import isfinite
from pathlib import Path
from typing import Any

BOUNDS = {"integer": 2**31, "long": 2**63}
LONGEST_TERM = 32766  # bytes, of Lucene
FLATTENED_DEPTH = 20
OPTIONS = {
    "keyword": {"ignore_above"},
    "text": {"index"},
    "date": {"ignore_malformed"},
    "integer": set[str](),
    "long": set[str](),
    "float": set[str](),
    "boolean": set[str](),
    "ip": set[str](),
    "flattened": {"ignore_above"},
    "object": {"properties"},
}


class RefusedError(Exception):
    """Elasticsearch would answer 400."""


class MalformedError(Exception):
    """A value that is not of its field's type, and that a field may ignore."""


class UnknownMappingError(ValueError):
    """The mapping has something that is not modelled here."""


def _leaf(kind: str, value: Any) -> None:
    text = value if isinstance(value, str) else None
    try:
        if kind == "date":
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise MalformedError
            if text is not None:
                datetime.fromisoformat(text)
        elif kind in BOUNDS:
            number = float(value) if not isinstance(value, bool) else None
            if number is None or not -BOUNDS[kind] <= number < BOUNDS[kind]:
                raise MalformedError
        elif kind == "float":
            if isinstance(value, bool) or not isfinite(float(value)) or abs(float(value)) > 3.4e38:
                raise MalformedError
        elif kind == "boolean":
            if not isinstance(value, bool) and value not in ("true", "false", ""):
                raise MalformedError
        elif kind == "ip":
            ip_address(value)
    except (ValueError, OverflowError, TypeError) as error:
        raise MalformedError from error


@dataclass
class Indexed:
    """What became of the fields of a document that was taken."""

    searchable: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    unmapped: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Mapping:
    """The fields of an index, and whether what is malformed is ignored."""

    properties: dict[str, Any]
    ignore_malformed: bool

    def __post_init__(self) -> None:
        for name, of in self.fields(leaves=False):
            if unknown := of.keys() - {"type"} - OPTIONS.get(of.get("type", "object"), set()):
                raise UnknownMappingError(f"{name}: {sorted(unknown)} of {of.get('type')}")
            if of.get("type", "object") not in OPTIONS:
                raise UnknownMappingError(f"{name} is a {of['type']}")

    def fields(self, *, leaves: bool = True) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every field by its full name."""

        def walk(properties: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
            for name, of in properties.items():
                if "properties" in of:
                    if not leaves:
                        yield path + name, of
                    yield from walk(of["properties"], f"{path}{name}.")
                else:
                    yield path + name, of

        return walk(self.properties, "")

    def take(self, document: dict[str, Any]) -> Indexed:
        """Say what becomes of each field; raise `RefusedError` where Elasticsearch would refuse."""
        if "@timestamp" not in document:
            raise RefusedError("a data stream wants an @timestamp")
        indexed = Indexed()
        self._object(document, self.properties, "", indexed)
        return indexed

    def _object(
        self, given: dict[str, Any], properties: dict[str, Any], path: str, indexed: Indexed
    ) -> None:
        for key, value in given.items():
            if not key.strip():
                raise RefusedError(f"[{path}] has a field without a name")
            if value is None or value == []:
                continue
            if key in properties:
                self._value(value, properties[key], path + key, indexed)
            else:
                indexed.unmapped.add(path + key)

    def _value(self, value: Any, of: dict[str, Any], path: str, indexed: Indexed) -> None:
        if value is None:
            return
        if isinstance(value, list):
            for each in value:
                self._value(each, of, path, indexed)
            return
        kind = of.get("type", "object")
        if kind == "object":
            if not isinstance(value, dict):
                raise RefusedError(f"[{path}] is an object, and was given a value")
            self._object(value, of["properties"], f"{path}.", indexed)
            return
        if kind == "flattened":
            if not isinstance(value, dict):
                raise RefusedError(f"[{path}] is flattened, and was given a value")
            self._flattened(value, of, path, indexed)
            return
        if isinstance(value, dict):
            raise RefusedError(f"[{path}] is a {kind}, and was given an object")
        if kind in {"keyword", "text"}:
            self._string(value, of, path, indexed)
            return
        try:
            _leaf(kind, value)
        except MalformedError:
            if not of.get("ignore_malformed", self.ignore_malformed):
                raise RefusedError(f"[{path}] is a {kind}, and was given {value!r}") from None
            indexed.ignored.add(path)
        else:
            indexed.searchable.add(path)

    def _string(self, value: Any, of: dict[str, Any], path: str, indexed: Indexed) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        if of["type"] == "keyword":
            if len(text) > of.get("ignore_above", len(text)):
                indexed.ignored.add(path)
                return
            if len(text.encode("utf-8", "surrogatepass")) > LONGEST_TERM:
                raise RefusedError(f"[{path}] has an immense term")
        indexed.searchable.add(path)

    def _flattened(
        self, value: dict[str, Any], of: dict[str, Any], path: str, indexed: Indexed
    ) -> None:
        def walk(given: Any, key: str, depth: int) -> None:
            if depth > FLATTENED_DEPTH:
                raise RefusedError(f"[{path}] is deeper than {FLATTENED_DEPTH}")
            if isinstance(given, dict):
                for name, each in given.items():
                    if "\0" in name:
                        raise RefusedError(f"[{path}] has a key with a null byte")
                    walk(each, f"{key}.{name}" if key else name, depth + 1)
            elif isinstance(given, list):
                for each in given:
                    walk(each, key, depth)
            elif given is not None:
                text = given if isinstance(given, str) else json.dumps(given)
                if len(text) > of.get("ignore_above", len(text)):
                    indexed.ignored.add(f"{path}.{key}")
                    return
                term = f"{key}\0{text}".encode("utf-8", "surrogatepass")
                if len(term) > LONGEST_TERM:
                    raise RefusedError(f"[{path}] has an immense term")
                if "\0" in text:
                    raise RefusedError(f"[{path}.{key}] has a null byte")
                indexed.searchable.add(f"{path}.{key}")

        walk(value, "", 0)


@dataclass(frozen=True)
class Templates:
    """The index templates of the project, with the component that they are made of."""

    component: dict[str, Any]
    templates: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Templates":
        names = ("services.json", "text.json")
        return cls(
            json.loads((folder / "every-line.json").read_text())["template"],
            {name: json.loads((folder / name).read_text()) for name in names},
        )

    def of(self, stream: str) -> Mapping:
        """The mapping of a data stream; exactly one template has to cover it."""
        (template,) = [
            template
            for template in self.templates.values()
            if any(fnmatch(stream, pattern) for pattern in template["index_patterns"])
        ]
        mappings = self.component["mappings"]
        if mappings["dynamic"] is not False or template["template"]["mappings"].keys() != {
            "properties"
        }:
            raise UnknownMappingError("only dynamic: false is modelled")
        properties = mappings["properties"] | template["template"]["mappings"]["properties"]
        return Mapping(properties, self.component["settings"]["index.mapping.ignore_malformed"])

"""Which writes are events: each feature says it for its own tables, in its `events.py`."""

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import data_postgres_api
from contracts.events import Event
from data_postgres_api.database import Base


@dataclass(frozen=True)
class Change:
    """What a unit of work has done to a row: made it, or changed these of its columns."""

    is_new: bool
    columns: frozenset[str] = frozenset()


type Source[Row: Base] = Callable[[Row, Change], Iterable[Event]]
"""Returns the events that a change of a row is; most are none."""

_sources: dict[type[Any], list[Source[Any]]] = {}


def publishes[Row: Base](table: type[Row]) -> Callable[[Source[Row]], Source[Row]]:
    """Let a function say which events the writes of `table` are; others may say more."""

    def register(source: Source[Row]) -> Source[Row]:
        _sources.setdefault(table, []).append(source)
        return source

    return register


def events_of(row: object, change: Change) -> Iterator[Event]:
    """Yield the events that `change` is."""
    for source in _sources.get(type(row), ()):
        yield from source(row, change)


def find_sources() -> None:
    """Import the `events` module of every feature."""
    for module in pkgutil.walk_packages(data_postgres_api.__path__, "data_postgres_api."):
        if module.name.endswith(".events"):
            import_module(module.name)

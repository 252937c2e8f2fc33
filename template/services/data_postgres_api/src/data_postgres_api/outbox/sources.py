"""Which writes are events: each feature says it for its own tables, in its `events.py`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chassis.modules import find_modules
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
    find_modules("data_postgres_api", "**/events.py", "**/events/__init__.py")

"""What a unit of work has written: for whatever has to follow from it, so that no slice has to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, Session, SessionTransaction, UOWTransaction

_KEY = "what was written"


@dataclass(frozen=True, slots=True)
class Written:
    """A row that was written; `fields` are the names of what changed, `status` its new state."""

    inside: SessionTransaction | None
    action: Literal["created", "changed", "deleted"]
    table: str
    row: str
    fields: tuple[str, ...] = ()
    status: str | None = None


def written(session: Session) -> list[Written]:
    """Return what the transaction of `session` has written so far; rolled back parts are gone."""
    rows: list[Written] = session.info.setdefault(_KEY, [])
    return rows


def after_commit(do: Callable[[list[Written]], None]) -> None:
    """Call `do` with all that a transaction has written, once it is true."""

    @event.listens_for(Session, "after_commit")
    def committed(session: Session) -> None:
        if not session.in_nested_transaction():
            do(written(session))


@event.listens_for(Session, "after_flush")
def _note(session: Session, _: UOWTransaction) -> None:
    inside = session.get_nested_transaction()
    rows = written(session)
    for instance in session.new:
        state = inspect(instance)
        rows.append(Written(inside, "created", _table(state), _identity(state)))
    for instance in session.dirty:
        state = inspect(instance)
        fields = tuple(_changed(state))
        if fields:
            what = (_table(state), _identity(state), fields, _status(state))
            rows.append(Written(inside, "changed", *what))
    for instance in session.deleted:
        state = inspect(instance)
        rows.append(Written(inside, "deleted", _table(state), _identity(state)))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: SessionTransaction) -> None:
    session.info[_KEY] = [row for row in written(session) if not _within(row.inside, previous)]


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_KEY, None)


def _table(state: InstanceState[object]) -> str:
    return str(getattr(state.mapper.local_table, "name", state.mapper.class_.__name__))


def _identity(state: InstanceState[object]) -> str:
    return "/".join(map(str, state.mapper.primary_key_from_instance(state.object)))


def _changed(state: InstanceState[object]) -> Iterator[str]:
    for attribute in state.mapper.column_attrs:
        if state.attrs[attribute.key].history.has_changes():
            yield attribute.key


def _status(state: InstanceState[object]) -> str | None:
    """Return the new `status`, if it is an enumeration's: text has no end of values."""
    if "status" in state.mapper.column_attrs:
        for value in state.attrs["status"].history.added or ():
            if isinstance(value, Enum):
                return str(value.value)
    return None


def _within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer

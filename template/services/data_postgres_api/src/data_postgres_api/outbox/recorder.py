"""Writes events into the outbox, in the transaction of what they tell of: both or neither."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import InstanceState, Session, UOWTransaction

from data_postgres_api.outbox.headers import message_headers
from data_postgres_api.outbox.models import OutboxRow
from data_postgres_api.outbox.sources import Change, events_of, find_sources


def records_events(_: FastAPI) -> None:
    """Let every unit of work of the process write its events."""
    find_sources()
    if not event.contains(Session, "after_flush", _record):
        event.listen(Session, "after_flush", _record)


def _record(session: Session, _: UOWTransaction) -> None:
    headers = message_headers()
    rows = [
        {
            "id": told.id,
            "routing_key": told.routing_key(),
            "body": told.model_dump_json(),
            "headers": headers,
        }
        for row, change in _changes(session)
        for told in events_of(row, change)
    ]
    if rows:
        session.connection().execute(insert(OutboxRow.metadata.tables["outbox"]), rows)


def _changes(session: Session) -> Iterator[tuple[object, Change]]:
    for instance in session.new:
        yield instance, Change(is_new=True)
    for instance in session.dirty:
        columns = frozenset(_changed(inspect(instance)))
        if columns:
            yield instance, Change(is_new=False, columns=columns)


def _changed(state: InstanceState[Any]) -> Iterator[str]:
    for attribute in state.mapper.column_attrs:
        if state.attrs[attribute.key].history.has_changes():
            yield attribute.key

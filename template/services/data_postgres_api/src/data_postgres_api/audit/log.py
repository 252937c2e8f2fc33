"""Appends to the audit log: what a unit of work writes, in its own transaction, and events."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import ARRAY, Text, bindparam, event, text
from sqlalchemy.orm import Session

from chassis.request_id import current_request_id
from chassis.security.principal import current_principal
from chassis.telemetry import current_trace_id
from contracts.audit import AuditEvent
from data_postgres_api.written import Written, written

log = logging.getLogger(__name__)

APPEND = text("SELECT last_sequence, last_hash FROM audit_append(:records)").bindparams(
    bindparam("records", type_=ARRAY(Text))
)
# A request that writes a hundred rows is one record that names them; of more, it names the first.
MAX_ROWS = 20


def append(session: Session, records: Sequence[str]) -> tuple[int, str]:
    """Append `records` at the end of the chain; return its last sequence number and hash.

    Whoever appends next waits for the commit of this transaction, so let it come last.
    """
    connection = session.connection()
    sequence, chain = connection.execute(APPEND, {"records": list(records)}).one()
    head = (int(sequence), bytes(chain).hex())
    # Elsewhere too: who can cut off the end of the table does not reach the logs.
    log.info("audit", extra={"audit_sequence": head[0], "audit_hash": head[1]})
    return head


def records_of(events: Iterable[AuditEvent]) -> list[str]:
    """Return `events` as records; who and from where is what they say, and nothing else."""
    return [_record(item.model_dump(mode="json", exclude_defaults=True)) for item in events]


def _record(content: dict[str, Any]) -> str:
    principal = current_principal()
    context = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "service": principal.client if principal is not None else None,
        "request_id": current_request_id(),
        "trace_id": current_trace_id(),
        "outcome": "done",
    }
    record = {key: value for key, value in {**context, **content}.items() if value is not None}
    return orjson.dumps(record).decode()


def _caller() -> dict[str, str | None]:
    principal = current_principal()
    if principal is None:
        return {}
    return {
        "who": principal.subject,
        "session": principal.session,
        "network": principal.network,
    }


def _records(rows: Sequence[Written]) -> Iterator[str]:
    """Yield one record for all rows of a table with which the same has happened."""
    for (table, action, fields), group in groupby(
        sorted(rows, key=lambda row: (row.table, row.action, row.fields)),
        key=lambda row: (row.table, row.action, row.fields),
    ):
        names = [row.row for row in group]
        content: dict[str, Any] = {
            "action": f"row.{action}",
            "entity": table,
            "rows": names[:MAX_ROWS],
            **_caller(),
        }
        if fields:
            content["fields"] = fields
        if len(names) > MAX_ROWS:
            content["detail"] = f"{len(names)} rows in all"
        yield _record(content)


def audit_all_writes() -> None:
    """Let every transaction of the process append what it writes, before it commits."""
    if not event.contains(Session, "before_commit", _append_what_was_written):
        event.listen(Session, "before_commit", _append_what_was_written)


def _append_what_was_written(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    rows = written(session)
    if rows:
        append(session, list(_records(rows)))

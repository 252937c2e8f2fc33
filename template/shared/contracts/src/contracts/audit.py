"""What the audit log keeps, on the wire between the services."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.base import Contract

Outcome = Literal["done", "refused", "failed"]


class AuditEvent(Contract):
    """Something that matters for security: what, by whom, on what, and how it ended.

    No secret and no personal datum has a place here: people are their ids, and `network` is the
    part of an address that many share.
    """

    action: Annotated[str, Field(pattern=r"^[a-z_.]{1,64}$", examples=["login"])]
    outcome: Outcome = "done"
    who: str | None = Field(default=None, max_length=64)
    entity: str | None = Field(default=None, max_length=64)
    rows: tuple[str, ...] = ()
    detail: str | None = Field(default=None, max_length=200)
    network: str | None = Field(default=None, max_length=64)
    request_id: str | None = Field(default=None, max_length=128)


class AuditEvents(Contract):
    """Events that are to be appended, in their order."""

    events: Annotated[tuple[AuditEvent, ...], Field(min_length=1, max_length=100)]


class AuditRecord(AuditEvent):
    """An event as it is kept: `sequence` has no gaps, `hash` covers all records up to this one."""

    sequence: int
    hash: str
    at: datetime
    fields: tuple[str, ...] = ()
    service: str | None = None
    session: str | None = None
    trace_id: str | None = None


class AuditPage(Contract):
    """A part of the log, the newest first; `next_before` asks for those before it."""

    items: tuple[AuditRecord, ...]
    next_before: int | None


class AuditAppended(Contract):
    """The end of the log after events were appended."""

    sequence: int
    hash: str

"""Tickets on the wire, between the business service and the data service."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.base import Contract

Priority = Annotated[int, Field(ge=1, le=5)]


class NewTicket(Contract):
    """A problem that somebody reports; 1 is the most urgent."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field(default="", max_length=10_000)
    priority: Priority = 3


class Ticket(NewTicket):
    """A ticket as stored."""

    id: UUID
    reporter_id: str
    is_closed: bool
    created_at: datetime


class TicketQuery(Contract):
    """Which tickets a list shows: the newest, `limit` of them."""

    limit: int = Field(default=20, ge=1, le=100)
    priority: Priority | None = None


class TicketPage(Contract):
    """The tickets of a list."""

    items: tuple[Ticket, ...]

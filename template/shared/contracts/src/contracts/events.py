"""What every event on the wire has: it says what has happened, and travels through RabbitMQ.

The events of a feature are in a module of its own. A change that would break a consumer is a new
version: both are published until no queue is bound to the old one.
`docs/asyncapi.json` describes all events.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from pydantic import ConfigDict, Field

from contracts.base import Contract

EXCHANGE = "events"
"""The topic exchange through which every event goes, under its routing key."""


class Told(Contract):
    """A part of an event. Fields that it does not know are left out: whoever sends may be newer."""

    model_config = ConfigDict(extra="ignore")


class Event(Told):
    """Something that has happened; `id` is the same however often it is delivered."""

    id: UUID = Field(default_factory=uuid4)
    type: str
    version: int
    occurred_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def routing_key(cls) -> str:
        """Return what queues are bound by, such as "parcel.sent.v1"."""
        return f"{cls.model_fields['type'].default}.v{cls.model_fields['version'].default}"

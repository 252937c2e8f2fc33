"""Events on the wire: what has happened, told to whoever listens, by way of RabbitMQ.

A change that a consumer would not survive is a new version: its event goes out beside the old one
until nobody binds a queue to that. `docs/asyncapi.json` describes all of them.
"""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

from pydantic import ConfigDict, Field

from contracts.base import Contract
from contracts.money import Money
from contracts.orders import OrderLine, OrderStatus

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
        """Return what queues are bound by, such as "order.placed.v1"."""
        return f"{cls.model_fields['type'].default}.v{cls.model_fields['version'].default}"


class OrderState(Told):
    """An order as it was once something had happened; `version` tells which event came first.

    Not the order of the HTTP API: that may change without a word to those who listen.
    """

    id: UUID
    customer_id: str
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    total: Money
    version: int
    created_at: datetime


class OrderEvent(Event):
    """Something that has happened to an order."""

    version: Literal[1] = 1
    order: OrderState


class OrderPlaced(OrderEvent):
    """A customer has placed an order."""

    type: Literal["order.placed"] = "order.placed"


class OrderPaid(OrderEvent):
    """An order was paid."""

    type: Literal["order.paid"] = "order.paid"


class OrderCancelled(OrderEvent):
    """An order was cancelled, and will not be shipped."""

    type: Literal["order.cancelled"] = "order.cancelled"


EVENTS: tuple[type[Event], ...] = (OrderPlaced, OrderPaid, OrderCancelled)
"""Every event that this system publishes; one of yours goes here too."""

"""What happens to orders, as events."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events import Event, Told
from contracts.money import Money
from contracts.orders import OrderLine, OrderStatus


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

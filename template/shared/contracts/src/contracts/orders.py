"""Orders on the wire, between the business service and the data service."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from contracts.base import WHOLE, Contract
from contracts.money import Money, Price

MAX_LINES = 100
MAX_QUANTITY = 10_000

Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["TEA-250"])]
Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY), WHOLE]


class OrderStatus(StrEnum):
    """The states of an order; `business_api.orders.entities` says which may follow which."""

    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class OrderLine(Contract):
    """One article of an order."""

    sku: Sku
    quantity: Quantity
    unit_price: Price


def _count(lines: object) -> object:
    # Before any line is read: each of a million empty ones would be an error of its own.
    if isinstance(lines, list | tuple) and len(lines) > MAX_LINES:
        raise ValueError(f"an order has at most {MAX_LINES} lines")
    return lines


OrderLines = Annotated[
    tuple[OrderLine, ...], Field(min_length=1, max_length=MAX_LINES), BeforeValidator(_count)
]


class NewOrder(Contract):
    """What the business service stores; the order's id is in the path, the customer in the call."""

    lines: OrderLines
    total: Money

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        # The table keeps one currency an order; another one would be changed in silence.
        if any(line.unit_price.currency != self.total.currency for line in self.lines):
            raise ValueError("the lines and the total must have one currency")
        return self


class StatusChange(Contract):
    """A move to another state, valid only for the version of the order that the caller has read."""

    status: OrderStatus
    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), WHOLE]


class OrderSummary(Contract):
    """An order in a list, without its lines; `version` grows by one with every change."""

    id: UUID
    customer_id: str
    status: OrderStatus
    total: Money
    version: int
    created_at: datetime
    updated_at: datetime


class Order(OrderSummary):
    """An order as stored."""

    lines: tuple[OrderLine, ...]


class OrderQuery(Contract):
    """Which orders a list shows: newest first, `limit` of them, after `cursor`."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=200)
    status: OrderStatus | None = None


class OrderPage(Contract):
    """A part of a list; `next_cursor` asks for the part that follows, and is null at the end."""

    items: tuple[OrderSummary, ...]
    next_cursor: str | None

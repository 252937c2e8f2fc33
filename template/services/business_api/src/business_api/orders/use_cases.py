"""What the shop does with orders; storage is behind a port."""

import logging
from typing import Protocol
from uuid import UUID

from business_api.orders.entities import check_move, total
from chassis.errors import Conflict
from contracts.orders import (
    NewOrder,
    Order,
    OrderLine,
    OrderPage,
    OrderQuery,
    OrderStatus,
    StatusChange,
)

log = logging.getLogger(__name__)


class Orders(Protocol):
    """The port to wherever orders are kept.

    `create` and `change_status` may be repeated: the second time they change nothing. A change for
    a version that is no longer the newest raises `chassis.errors.Conflict`.
    """

    async def create(self, order_id: UUID, order: NewOrder) -> Order: ...

    async def get(self, order_id: UUID) -> Order: ...

    async def list(self, query: OrderQuery) -> OrderPage: ...

    async def change_status(self, order_id: UUID, change: StatusChange) -> Order: ...


async def place_order(orders: Orders, order_id: UUID, lines: tuple[OrderLine, ...]) -> Order:
    """Store a new order with its total; raise `chassis.errors.Invalid` for mixed currencies.

    The id is the caller's, so that whoever repeats the call does not make a second order.
    """
    order = await orders.create(order_id, NewOrder(lines=lines, total=total(lines)))
    log.info("order %s placed by %s", order.id, order.customer_id)
    return order


async def move_order(orders: Orders, order_id: UUID, target: OrderStatus) -> Order:
    """Move an order to `target`; one that is there already stays as it is.

    Raises `chassis.errors.Conflict` when the state machine forbids the move, or when another
    change came between reading and writing.
    """
    order = await orders.get(order_id)
    if order.status == target:
        return order
    check_move(order.status, target)
    change = StatusChange(status=target, version=order.version)
    try:
        moved = await orders.change_status(order_id, change)
    except Conflict:
        # Somebody else was faster; if they wanted the same, there is nothing left to do.
        moved = await orders.get(order_id)
        if moved.status != target:
            raise
    log.info("order %s is %s", order_id, target)
    return moved

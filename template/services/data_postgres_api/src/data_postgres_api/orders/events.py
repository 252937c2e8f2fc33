"""Which writes of orders are events."""

from collections.abc import Iterator

from contracts.events import Event
from contracts.order_events import OrderCancelled, OrderPaid, OrderPlaced, OrderState
from contracts.orders import OrderStatus
from data_postgres_api.orders.models import OrderRow
from data_postgres_api.orders.repository import to_order
from data_postgres_api.outbox.sources import Change, publishes

MOVES = {OrderStatus.PAID: OrderPaid, OrderStatus.CANCELLED: OrderCancelled}


@publishes(OrderRow)
def order_events(order: OrderRow, change: Change) -> Iterator[Event]:
    """An order is placed when it is stored; some of its moves are of interest to others."""
    if change.is_new:
        yield OrderPlaced(order=_state(order))
    elif "status" in change.columns and (event := MOVES.get(OrderStatus(order.status))):
        yield event(order=_state(order))


def _state(row: OrderRow) -> OrderState:
    order = to_order(row)
    return OrderState(
        id=order.id,
        customer_id=order.customer_id,
        status=order.status,
        lines=order.lines,
        total=order.total,
        version=order.version,
        created_at=order.created_at,
    )

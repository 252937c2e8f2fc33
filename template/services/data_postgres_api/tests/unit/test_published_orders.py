"""Which writes of orders are events."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from contracts.events import Event
from contracts.order_events import OrderCancelled, OrderPaid, OrderPlaced
from contracts.orders import OrderStatus
from data_postgres_api.orders.models import OrderLineRow, OrderRow
from data_postgres_api.outbox.sources import Change, events_of, find_sources

NEW = Change(is_new=True)
MOVED = Change(is_new=False, columns=frozenset({"status", "version"}))


def order(status: OrderStatus) -> OrderRow:
    now = datetime.now(UTC)
    line = OrderLineRow(position=0, sku="TEA", quantity=2, unit_amount=Decimal("4.50"))
    return OrderRow(
        id=uuid4(),
        customer_id="customer-1",
        status=status,
        currency="EUR",
        total=Decimal("9.00"),
        version=1,
        created_at=now,
        updated_at=now,
        lines=[line],
    )


@pytest.mark.parametrize(
    ("status", "change", "event"),
    [
        (OrderStatus.PLACED, NEW, OrderPlaced),
        (OrderStatus.PAID, MOVED, OrderPaid),
        (OrderStatus.CANCELLED, MOVED, OrderCancelled),
        (OrderStatus.SHIPPED, MOVED, None),
        (OrderStatus.PAID, Change(is_new=False, columns=frozenset({"total"})), None),
    ],
)
def test_a_write_of_an_order_is_an_event_or_none(
    status: OrderStatus, change: Change, event: type[Event] | None
) -> None:
    find_sources()
    row = order(status)
    told = list(events_of(row, change))
    assert [type(each) for each in told] == ([event] if event else [])
    for each in told:
        assert isinstance(each, OrderPlaced | OrderPaid | OrderCancelled)
        assert each.order.id == row.id
        assert each.order.lines[0].sku == "TEA"


def test_other_tables_tell_nothing() -> None:
    find_sources()
    assert list(events_of(OrderLineRow(), NEW)) == []

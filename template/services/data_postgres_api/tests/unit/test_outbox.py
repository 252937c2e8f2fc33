"""Which writes are events, and that the relay goes on trying until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from chassis.errors import Unavailable
from contracts.events import Event, OrderCancelled, OrderPaid, OrderPlaced
from contracts.orders import OrderStatus
from data_postgres_api.orders.models import OrderLineRow, OrderRow
from data_postgres_api.outbox.relay import relay_until
from data_postgres_api.outbox.settings import OutboxSettings
from data_postgres_api.outbox.sources import Change, events_of, find_sources
from messaging.publisher import Outgoing, Publish

AT_ONCE = OutboxSettings(poll_seconds=0.001, retry_seconds=0.001)
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


class Broker:
    """A broker that is away at first, and breaks off once."""

    def __init__(self) -> None:
        self.connections = 0
        self.published: list[Outgoing] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Publish]:
        self.connections += 1
        if self.connections == 1:
            raise Unavailable("The broker cannot be reached.")

        async def publish(message: Outgoing) -> None:
            if self.connections == 2:
                raise Unavailable("The broker broke off.")
            self.published.append(message)

        yield publish


async def test_the_relay_tries_until_it_has_published(caplog: pytest.LogCaptureFixture) -> None:
    broker, stop = Broker(), asyncio.Event()
    waiting = [Outgoing(uuid4(), "order.placed.v1", "{}") for _ in range(3)]

    async def publish_one(publish: Publish) -> int:
        if not waiting:
            stop.set()
            return 0
        await publish(waiting[0])
        waiting.pop(0)
        return 1

    expected = list(waiting)
    await asyncio.wait_for(relay_until(stop, AT_ONCE, broker.connect, publish_one), 5)
    assert broker.published == expected
    assert broker.connections == 3
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "nothing is published: The broker cannot be reached.",
        "nothing is published: The broker broke off.",
    ]


async def test_the_relay_ends_when_it_is_told_to_while_the_broker_is_away() -> None:
    stop = asyncio.Event()

    @asynccontextmanager
    async def nowhere() -> AsyncIterator[Publish]:
        stop.set()
        raise Unavailable("The broker cannot be reached.")
        yield

    async def never(_: Publish) -> int:
        raise AssertionError

    slow = OutboxSettings(retry_seconds=60)
    await asyncio.wait_for(relay_until(stop, slow, nowhere, never), 5)

"""What the worker asks of the data service, and what becomes of an answer."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from business_worker.sales.handler import SalesHandler
from business_worker.testing import DataService
from chassis.errors import Invalid, Unavailable
from contracts.money import Money, Price
from contracts.order_events import OrderPlaced, OrderState
from contracts.orders import OrderLine, OrderStatus
from contracts.sales import Added
from messaging.reader import Rejected

PLACED = OrderPlaced(
    order=OrderState(
        id=uuid4(),
        customer_id="customer-1",
        status=OrderStatus.PLACED,
        lines=(
            OrderLine(
                sku="TEA", quantity=2, unit_price=Price(amount=Decimal("4.50"), currency="EUR")
            ),
        ),
        total=Money(amount=Decimal("9.00"), currency="EUR"),
        version=1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
)


async def test_an_order_is_told_under_the_id_of_its_event() -> None:
    data_service = DataService(Added(is_first=True), Added(is_first=False))
    for _ in range(2):
        await SalesHandler(data_service)(PLACED)
    assert len(set(map(str, data_service.asked))) == 1
    method, path, body = data_service.asked[0]
    assert (method, path) == ("PUT", f"/api/v1/sales/messages/{PLACED.id}")
    assert body.lines == PLACED.order.lines


async def test_what_is_refused_can_never_work_and_what_is_away_comes_back() -> None:
    data_service = DataService(Invalid("No such article."), Unavailable("It is away."))
    with pytest.raises(Rejected, match=r"refuses it: No such article\."):
        await SalesHandler(data_service)(PLACED)
    with pytest.raises(Unavailable):
        await SalesHandler(data_service)(PLACED)

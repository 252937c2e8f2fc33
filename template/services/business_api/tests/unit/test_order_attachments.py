"""Files of orders: the data service says who sees an order."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from business_api.orders.attachments import SUBJECTS
from chassis.errors import NotFound
from contracts.money import Money
from contracts.orders import Order, OrderStatus

ORDER = Order(
    id=uuid4(),
    customer_id="ada",
    status=OrderStatus.PLACED,
    total=Money(amount=Decimal(1), currency="EUR"),
    version=1,
    created_at=datetime.now(UTC),
    updated_at=datetime.now(UTC),
    lines=(),
)


class Client:
    """The data service, as far as it is asked here."""

    async def call(self, method: str, path: str, answer: type[Order]) -> Order:
        if method != "GET" or UUID(path.rpartition("/")[2]) != ORDER.id:
            raise NotFound("There is no such order.")
        return ORDER


async def test_a_file_of_an_order_is_its_customers() -> None:
    (orders,), client = SUBJECTS, Client()
    service: Any = client
    assert await orders.may_attach(service, str(ORDER.id)) == "ada"
    await orders.may_read(service, str(ORDER.id))


@pytest.mark.parametrize("order", [str(uuid4()), "7"])
async def test_an_order_that_is_not_there_has_no_files(order: str) -> None:
    (orders,), service = SUBJECTS, Client()
    client: Any = service
    with pytest.raises(NotFound):
        await orders.may_attach(client, order)
    with pytest.raises(NotFound):
        await orders.may_read(client, order)

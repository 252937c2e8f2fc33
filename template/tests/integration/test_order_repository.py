"""The repository of orders on a real PostgreSQL."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Conflict, NotFound
from chassis.settings import read_settings
from contracts.money import Money, Price
from contracts.orders import NewOrder, OrderLine, OrderQuery, OrderStatus, StatusChange
from data_postgres_api.database import create_engine
from data_postgres_api.orders.repository import OrderRepository
from data_postgres_api.settings import PostgresSettings


def new_order(amount: str = "4.50") -> NewOrder:
    price = Price(amount=Decimal(amount), currency="EUR")
    total = Money(amount=price.amount, currency=price.currency)
    return NewOrder(lines=(OrderLine(sku="TEA", quantity=1, unit_price=price),), total=total)


@pytest.fixture
def orders(session: AsyncSession) -> OrderRepository:
    return OrderRepository(session)


async def test_what_was_stored_is_read_back(orders: OrderRepository) -> None:
    stored, is_new = await orders.create(uuid4(), "customer-1", new_order("19.99"))
    assert is_new
    assert await orders.get(stored.id) == stored
    assert stored.total == Money(amount=Decimal("19.99"), currency="EUR")


async def test_an_error_does_not_show_what_was_stored(database: URL) -> None:
    engine = create_engine(read_settings(PostgresSettings))
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="division by zero") as error:
            await connection.execute(text("SELECT length(:value) / 0"), {"value": "of a customer"})
    await engine.dispose()
    assert "of a customer" not in str(error.value)


async def test_creating_again_changes_nothing(orders: OrderRepository) -> None:
    order_id = uuid4()
    first = await orders.create(order_id, "customer-1", new_order())
    assert await orders.create(order_id, "customer-1", new_order()) == (first[0], False)


@pytest.mark.parametrize(("customer", "amount"), [("customer-2", "4.50"), ("customer-1", "5")])
async def test_an_id_is_not_used_twice(orders: OrderRepository, customer: str, amount: str) -> None:
    order_id = uuid4()
    await orders.create(order_id, "customer-1", new_order())
    with pytest.raises(Conflict, match="exists with other content"):
        await orders.create(order_id, customer, new_order(amount))


async def test_a_stale_version_is_refused(orders: OrderRepository) -> None:
    order, _ = await orders.create(uuid4(), "customer-1", new_order())
    paid = await orders.change_status(order.id, StatusChange(status=OrderStatus.PAID, version=1))
    assert (paid.status, paid.version) == (OrderStatus.PAID, 2)
    with pytest.raises(Conflict, match="changed by somebody else"):
        await orders.change_status(order.id, StatusChange(status=OrderStatus.CANCELLED, version=1))


async def test_a_repeated_change_changes_nothing(orders: OrderRepository) -> None:
    order, _ = await orders.create(uuid4(), "customer-1", new_order())
    change = StatusChange(status=OrderStatus.PAID, version=1)
    assert await orders.change_status(order.id, change) == await orders.change_status(
        order.id, change
    )


async def test_an_unknown_order_is_said(orders: OrderRepository) -> None:
    with pytest.raises(NotFound, match="There is no order"):
        await orders.get(uuid4())


async def test_the_list_is_complete_even_for_orders_of_one_instant(
    orders: OrderRepository, session: AsyncSession
) -> None:
    # One transaction has one now(), so these orders differ in nothing but their id.
    ids = {(await orders.create(uuid4(), "customer-1", new_order()))[0].id for _ in range(7)}
    await session.execute(text("UPDATE orders SET created_at = '2099-01-01 00:00+00'"))
    session.expire_all()
    seen: list[UUID] = []
    query = OrderQuery(limit=3)
    while True:
        page = await orders.list(query)
        seen += [item.id for item in page.items]
        if page.next_cursor is None:
            break
        query = OrderQuery(limit=3, cursor=page.next_cursor)
    assert len(seen) == len(set(seen))
    assert ids <= set(seen)


async def test_the_list_can_be_of_one_status(orders: OrderRepository) -> None:
    order, _ = await orders.create(uuid4(), "customer-1", new_order())
    await orders.create(uuid4(), "customer-1", new_order())
    await orders.change_status(order.id, StatusChange(status=OrderStatus.SHIPPED, version=1))
    page = await orders.list(OrderQuery(status=OrderStatus.SHIPPED, limit=100))
    assert order.id in [item.id for item in page.items]
    assert {item.status for item in page.items} == {OrderStatus.SHIPPED}

"""The public API for orders, on orders in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from business_api.main import app
from business_api.orders.router import get_orders
from business_api.orders.use_cases import Orders
from chassis.errors import Conflict, NotFound
from chassis.testing import service_client
from contracts.orders import NewOrder, Order, OrderPage, OrderQuery, OrderStatus, StatusChange

LINE = {"sku": "TEA", "quantity": 3, "unit_price": {"amount": "9.90", "currency": "EUR"}}


class OrdersInMemory:
    """The port of the use cases, without a data service."""

    def __init__(self) -> None:
        self.stored: dict[UUID, Order] = {}

    async def create(self, order_id: UUID, order: NewOrder) -> Order:
        now = datetime.now(UTC)
        self.stored[order_id] = Order(
            id=order_id,
            customer_id="customer-1",
            status=OrderStatus.PLACED,
            lines=order.lines,
            total=order.total,
            version=1,
            created_at=now,
            updated_at=now,
        )
        return self.stored[order_id]

    async def get(self, order_id: UUID) -> Order:
        if order_id not in self.stored:
            raise NotFound(f"There is no order {order_id}.")
        return self.stored[order_id]

    async def list(self, query: OrderQuery) -> OrderPage:
        return OrderPage(items=tuple(self.stored.values())[: query.limit], next_cursor=None)

    async def change_status(self, order_id: UUID, change: StatusChange) -> Order:
        order = await self.get(order_id)
        if order.version != change.version:
            raise Conflict("Somebody else was faster.")
        moved = order.model_copy(update={"status": change.status, "version": order.version + 1})
        self.stored[order_id] = moved
        return moved


@pytest.fixture
def client() -> Iterator[TestClient]:
    orders: Orders = OrdersInMemory()
    app.dependency_overrides[get_orders] = lambda: orders
    with service_client(app) as client:
        yield client
    app.dependency_overrides.clear()


def place(client: TestClient) -> str:
    answer = client.post("/api/v1/orders", json={"lines": [LINE]})
    assert answer.status_code == 201
    return str(answer.json()["id"])


def test_an_order_is_placed_with_its_total(client: TestClient) -> None:
    order_id = place(client)
    order = client.get(f"/api/v1/orders/{order_id}").json()
    assert order["total"] == {"amount": "29.70", "currency": "EUR"}
    (listed,) = client.get("/api/v1/orders").json()["items"]
    assert listed == {key: value for key, value in order.items() if key != "lines"}


def test_a_repeated_order_is_placed_once(client: TestClient) -> None:
    for key in ("a", "a", "b"):
        headers = {"Idempotency-Key": key}
        answer = client.post("/api/v1/orders", json={"lines": [LINE]}, headers=headers)
        assert answer.status_code == 201
    assert len(client.get("/api/v1/orders").json()["items"]) == 2


def test_an_order_is_paid_and_shipped(client: TestClient) -> None:
    order_id = place(client)
    assert client.post(f"/api/v1/orders/{order_id}/pay").json()["status"] == "paid"
    assert client.post(f"/api/v1/orders/{order_id}/ship").json()["status"] == "shipped"
    refused = client.post(f"/api/v1/orders/{order_id}/cancel")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("The order is shipped")


def test_cancelling_again_changes_nothing(client: TestClient) -> None:
    order_id = place(client)
    first = client.post(f"/api/v1/orders/{order_id}/cancel")
    assert client.post(f"/api/v1/orders/{order_id}/cancel").json() == first.json()


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"/api/v1/orders/{uuid4()}", 404), ("/api/v1/orders/7", 422), ("/api/v1/orders?page=2", 422)],
)
def test_what_is_not_there_is_said(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"

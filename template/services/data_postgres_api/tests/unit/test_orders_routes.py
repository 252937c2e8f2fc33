"""The routes of the data service, without a database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from chassis.app import create_app
from chassis.testing import service_client
from contracts.orders import NewOrder, Order, OrderStatus
from data_postgres_api.orders.router import get_repository, router

PRICE = {"amount": "4.50", "currency": "EUR"}
ORDER = {"lines": [{"sku": "TEA", "quantity": 1, "unit_price": PRICE}], "total": PRICE}


class Repository:
    """Knows the orders that it was given before."""

    def __init__(self) -> None:
        self.stored: dict[UUID, Order] = {}

    async def create(self, order_id: UUID, customer_id: str, order: NewOrder) -> tuple[Order, bool]:
        is_new = order_id not in self.stored
        now = datetime.now(UTC)
        self.stored.setdefault(
            order_id,
            Order(
                id=order_id,
                customer_id=customer_id,
                status=OrderStatus.PLACED,
                lines=order.lines,
                total=order.total,
                version=1,
                created_at=now,
                updated_at=now,
            ),
        )
        return self.stored[order_id], is_new


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = create_app(title="Test", routers=[router])
    repository = Repository()
    app.dependency_overrides[get_repository] = lambda: repository
    with service_client(app) as client:
        yield client


def test_creating_again_answers_200(client: TestClient) -> None:
    path = f"/api/v1/orders/{uuid4()}"
    first, second = client.put(path, json=ORDER), client.put(path, json=ORDER)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["customer_id"] == "customer-1"


def test_an_unknown_field_is_refused(client: TestClient) -> None:
    answer = client.put(f"/api/v1/orders/{uuid4()}", json=ORDER | {"customer_id": "somebody"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body.customer_id"

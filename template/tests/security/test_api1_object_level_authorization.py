"""API1: nobody reaches what belongs to somebody else, by whatever way."""

from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chassis.security.principal import Principal, set_principal
from chassis.testing import service_token
from data_postgres_api.orders.models import OrderRow
from tests.security.orders import LINE, place
from tests.security.support import bearer


def test_an_order_of_somebody_else_is_not_there(api: TestClient) -> None:
    order = place(api, "ada")
    mallory = bearer("mallory", "customer")
    assert api.get(order, headers=bearer("ada", "customer")).status_code == 200
    assert api.get(order, headers=mallory).status_code == 404
    assert api.post(f"{order}/cancel", headers=mallory).status_code == 404
    listed = api.get("/api/v1/orders?limit=100", headers=mallory).json()["items"]
    assert [item for item in listed if item["customer_id"] != "mallory"] == []
    assert api.get(order, headers=bearer("ada", "customer")).json()["status"] == "placed"


def test_staff_reaches_everybody(api: TestClient) -> None:
    order = place(api, "ada")
    assert api.post(f"{order}/pay", headers=bearer("sam", "staff")).json()["status"] == "paid"


def test_orders_from_before_there_were_users_are_the_administrators(api: TestClient) -> None:
    order = place(api, "customer-1")
    assert api.get(order, headers=bearer("root", "administrator")).status_code == 200


def test_an_id_that_somebody_else_has_is_refused_and_not_told_of(data_api: TestClient) -> None:
    path = f"/api/v1/orders/{uuid4()}"
    body = {"lines": [LINE], "total": {"amount": "9.00", "currency": "EUR"}}

    def put(subject: str) -> int:
        headers = {"Authorization": f"Bearer {service_token(subject, 'own')}"}
        return int(data_api.put(path, json=body, headers=headers).status_code)

    assert [put("ada"), put("ada"), put("mallory")] == [201, 200, 409]


@pytest.mark.parametrize("reach", ["own", "all"])
async def test_what_a_session_sees(engine: AsyncEngine, reach: str) -> None:
    async with AsyncSession(engine) as session:
        set_principal(Principal("nobody-has-this-id", reach="own" if reach == "own" else "all"))
        found = (await session.scalars(select(OrderRow).limit(1))).all()
        assert bool(found) == (reach == "all")

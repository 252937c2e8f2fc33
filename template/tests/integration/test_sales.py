"""Sales on a real PostgreSQL: a message has its effect once, however often and at once it comes."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from data_postgres_api.inbox.models import InboxRow
from data_postgres_api.sales.models import SalesRow

PRICE = {"amount": "4.50", "currency": "EUR"}


@pytest.fixture(autouse=True)
async def nothing_sold(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(delete(SalesRow))
        await connection.execute(delete(InboxRow))


def tell(data_api: TestClient, message: UUID, *articles: tuple[str, int]) -> bool:
    lines = [{"sku": sku, "quantity": number, "unit_price": PRICE} for sku, number in articles]
    answer = data_api.put(f"/api/v1/sales/messages/{message}", json={"lines": lines})
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["is_first"])


def sold(data_api: TestClient) -> list[tuple[str, int, int]]:
    items = data_api.get("/api/v1/sales").json()["items"]
    return [(item["sku"], item["quantity"], item["orders"]) for item in items]


def test_a_message_has_its_effect_once(data_api: TestClient) -> None:
    first, second = uuid4(), uuid4()
    assert tell(data_api, first, ("TEA", 2), ("CUP", 1), ("TEA", 1))
    assert not tell(data_api, first, ("TEA", 2), ("CUP", 1), ("TEA", 1))
    assert tell(data_api, second, ("CUP", 9))
    assert sold(data_api) == [("CUP", 10, 2), ("TEA", 3, 1)]
    asked = data_api.get("/api/v1/sales", params={"sku": "TEA"}).json()["items"]
    assert asked == [{"sku": "TEA", "quantity": 3, "orders": 1}]


def test_of_many_at_once_each_is_added_once(data_api: TestClient) -> None:
    messages = [uuid4() for _ in range(20)]
    articles = (("TEA", 1), ("CUP", 1))
    # Each twice, and every second one with its articles the other way round.
    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(tell, data_api, message, *articles[:: 1 if number % 2 else -1])
            for number, message in enumerate(messages * 2)
        ]
    assert sum(each.result() for each in done) == len(messages)
    assert sold(data_api) == [("CUP", 20, 20), ("TEA", 20, 20)]


def test_what_is_refused_leaves_no_trace(data_api: TestClient) -> None:
    message = uuid4()
    refused = data_api.put(f"/api/v1/sales/messages/{message}", json={"lines": []})
    assert refused.status_code == 422
    assert tell(data_api, message, ("TEA", 1))

"""Orders in the data service, on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient

PRICE = {"amount": "4.50", "currency": "EUR"}
LINE = {"sku": "TEA", "quantity": 1, "unit_price": PRICE}
ORDER: dict[str, Any] = {"lines": [LINE], "total": PRICE}


def test_an_order_is_stored_once(data_service: TestClient) -> None:
    path = f"/api/v1/orders/{uuid4()}"
    answers = [data_service.put(path, json=ORDER) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert data_service.get(path).json() == answers[0].json() == answers[1].json()
    other = data_service.put(path, json=ORDER | {"total": PRICE | {"amount": "5.00"}})
    assert other.status_code == 409


def test_the_list_is_read_page_by_page(data_service: TestClient) -> None:
    new = [str(uuid4()) for _ in range(3)]
    for order_id in new:
        data_service.put(f"/api/v1/orders/{order_id}", json=ORDER)
    seen: list[str] = []
    query = {"limit": "2", "status": "placed"}
    while query.get("cursor", "first"):
        page = data_service.get("/api/v1/orders", params=query).json()
        seen += [order["id"] for order in page["items"]]
        query["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen))
    assert [order_id for order_id in reversed(seen) if order_id in new] == new


def test_of_two_racing_changes_one_wins(data_service: TestClient) -> None:
    path = f"/api/v1/orders/{uuid4()}"
    data_service.put(path, json=ORDER)

    def move(status: str) -> int:
        change = {"status": status, "version": 1}
        return int(data_service.put(f"{path}/status", json=change).status_code)

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(move, ["paid", "cancelled"]))
    assert answers == [200, 409]
    assert data_service.get(path).json()["version"] == 2


def test_nothing_is_written_when_a_request_is_refused(data_service: TestClient) -> None:
    path = f"/api/v1/orders/{uuid4()}"
    bad = ORDER | {"lines": [LINE, LINE | {"quantity": -1}]}
    assert data_service.put(path, json=bad).status_code == 422
    assert data_service.get(path).status_code == 404


def test_a_cursor_from_elsewhere_is_refused(data_service: TestClient) -> None:
    answer = data_service.get("/api/v1/orders", params={"cursor": "elsewhere"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.cursor"

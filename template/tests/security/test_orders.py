"""Orders before a hostile caller: properties, bounds, roles, and the order of their states."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from tests.security.orders import LINE, place
from tests.security.support import bearer

ADA = ("ada", "customer")
STAFF = ("sam", "staff")


@pytest.mark.parametrize("field", ["customer_id", "status", "total", "id", "version"])
def test_an_order_takes_nothing_but_its_lines(api: TestClient, field: str) -> None:
    body = {"lines": [LINE], field: "mallory"}
    answer = api.post("/api/v1/orders", json=body, headers=bearer("mallory", "customer"))
    assert answer.status_code == 422


def test_a_list_shows_no_lines(api: TestClient) -> None:
    place(api, "ada")
    listed = api.get("/api/v1/orders", headers=bearer("ada", "customer")).json()["items"][0]
    assert "lines" not in listed


@pytest.mark.parametrize(
    "body",
    [
        {"lines": [LINE] * 101},
        {"lines": [LINE | {"quantity": 10**9}]},
        {"lines": [LINE | {"sku": "x" * 65}]},
        {"lines": [LINE | {"unit_price": {"amount": "9" * 400, "currency": "EUR"}}]},
    ],
)
def test_an_order_is_bounded(api: TestClient, body: dict[str, object]) -> None:
    answer = api.post("/api/v1/orders", json=body, headers=bearer(*ADA))
    assert answer.status_code == 422
    assert len(answer.content) < 20_000


def test_a_customer_does_not_do_what_staff_does(api: TestClient) -> None:
    order = place(api, "ada")
    for action in ("pay", "ship"):
        answer = api.post(f"{order}/{action}", headers=bearer("ada", "customer"))
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert f'scope="orders:{action}"' in answer.headers["www-authenticate"]


def test_what_is_not_paid_is_not_shipped(api: TestClient) -> None:
    order = place(api, "ada")
    assert api.post(f"{order}/ship", headers=bearer(*STAFF)).status_code == 409


def test_an_order_that_is_sent_many_times_is_one(api: TestClient) -> None:
    headers = bearer("ada", "customer") | {"Idempotency-Key": "again-and-again"}

    def place_again(_: int) -> str:
        answer = api.post("/api/v1/orders", json={"lines": [LINE]}, headers=headers)
        return str(answer.json()["id"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(place_again, range(8)))) == 1


def test_a_key_of_somebody_else_is_another_key(api: TestClient) -> None:
    ids = set()
    for who in ("ada", "mallory"):
        headers = bearer(who, "customer") | {"Idempotency-Key": "the-same"}
        placed = api.post("/api/v1/orders", json={"lines": [LINE]}, headers=headers)
        ids.add(placed.json()["id"])
    assert len(ids) == 2

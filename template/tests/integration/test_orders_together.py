"""Orders through both services."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.testclient import TestClient

LINE = {"sku": "TEA", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}


def place(client: TestClient) -> dict[str, Any]:
    answer = client.post("/api/v1/orders", json={"lines": [LINE]})
    assert answer.status_code == 201
    order: dict[str, Any] = answer.json()
    return order


def test_an_order_goes_through_both_services(business_api: TestClient) -> None:
    order = place(business_api)
    assert order["customer_id"] == "somebody"
    assert order["total"] == {"amount": "9.00", "currency": "EUR"}
    assert business_api.get(f"/api/v1/orders/{order['id']}").json() == order
    del order["lines"]
    assert order in business_api.get("/api/v1/orders?limit=100").json()["items"]


def test_a_cancellation_and_a_payment_at_once(business_api: TestClient) -> None:
    order = place(business_api)

    def move(action: str) -> int:
        return int(business_api.post(f"/api/v1/orders/{order['id']}/{action}").status_code)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(move, ["cancel", "pay"]))
    final = business_api.get(f"/api/v1/orders/{order['id']}").json()
    # A payment that was complete before the cancellation began may be cancelled after it.
    if answers == [200, 200]:
        assert (final["status"], final["version"]) == ("cancelled", 3)
    else:
        assert sorted(answers) == [200, 409]
        assert final["version"] == 2


def test_the_same_payment_many_times_at_once(business_api: TestClient) -> None:
    order = place(business_api)
    pay = f"/api/v1/orders/{order['id']}/pay"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: business_api.post(pay), range(16)))
    assert {(a.status_code, a.json()["status"], a.json()["version"]) for a in answers} == {
        (200, "paid", 2)
    }


def test_what_the_data_service_refuses_is_passed_on(business_api: TestClient) -> None:
    answer = business_api.get("/api/v1/orders", params={"cursor": "elsewhere"})
    assert answer.status_code == 422
    assert "does not belong to this list" in answer.json()["detail"]

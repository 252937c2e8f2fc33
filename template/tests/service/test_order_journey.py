"""What a customer does, through the gateway, against the running system: `make service-test`."""

import httpx2

LINES = [{"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}]


def test_an_order_from_placing_to_cancelling(gateway: httpx2.Client) -> None:
    placed = gateway.post("/api/v1/orders", json={"lines": LINES})
    assert placed.status_code == 201
    order = placed.json()
    assert order["total"] == {"amount": "9.00", "currency": "EUR"}
    one = f"/api/v1/orders/{order['id']}"
    assert gateway.get(one).json() == order
    assert order["id"] in [item["id"] for item in gateway.get("/api/v1/orders").json()["items"]]

    cancelled = gateway.post(f"{one}/cancel").json()
    assert (cancelled["status"], cancelled["version"]) == ("cancelled", 2)
    # Again is no error and changes nothing; to pay for it is too late.
    assert gateway.post(f"{one}/cancel").json() == cancelled
    refused = gateway.post(f"{one}/pay")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("The order is cancelled")


def test_an_order_from_placing_to_shipping(gateway: httpx2.Client) -> None:
    one = f"/api/v1/orders/{gateway.post('/api/v1/orders', json={'lines': LINES}).json()['id']}"
    assert gateway.post(f"{one}/ship").status_code == 409
    assert gateway.post(f"{one}/pay").json()["status"] == "paid"
    assert gateway.post(f"{one}/ship").json()["status"] == "shipped"
    assert gateway.post(f"{one}/cancel").status_code == 409


def test_a_mistake_is_explained(gateway: httpx2.Client) -> None:
    answer = gateway.post("/api/v1/orders", json={"lines": []})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "body.lines"

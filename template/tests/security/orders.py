"""What the tests of orders do again and again."""

from fastapi.testclient import TestClient

from tests.security.support import bearer

LINE = {"sku": "TEA", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}


def place(api: TestClient, subject: str) -> str:
    """Place an order as a customer and return its address."""
    answer = api.post("/api/v1/orders", json={"lines": [LINE]}, headers=bearer(subject, "customer"))
    assert answer.status_code == 201, answer.text
    return f"/api/v1/orders/{answer.json()['id']}"

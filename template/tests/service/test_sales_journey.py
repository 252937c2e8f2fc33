"""What becomes of an order behind its answer: through gateway, outbox, broker and worker."""

import os
import ssl
import time
from uuid import uuid4

import httpx2


def test_an_order_through_the_gateway_is_counted_by_the_worker() -> None:
    sku = f"SOLD-{uuid4().hex[:8]}"
    line = {"sku": sku, "quantity": 10_000, "unit_price": {"amount": "4.50", "currency": "EUR"}}
    host = os.environ["GATEWAY_HOST"]
    caller, proof = os.environ["CALLER"].split(": ", 1)
    with httpx2.Client(
        base_url=os.environ["GATEWAY_URL"],
        verify=ssl.create_default_context(cafile="certs/fullchain.pem"),
        headers={"Host": host, caller: proof},
        timeout=10,
    ) as gateway:
        named = {"sni_hostname": host}
        answer = gateway.post("/api/v1/orders", json={"lines": [line]}, extensions=named)
        assert answer.status_code == 201
    caller, proof = os.environ["SALES_CALLER"].split(": ", 1)
    deadline = time.monotonic() + 30
    found: list[object] = []
    while not found and time.monotonic() < deadline:
        listed = httpx2.get(os.environ["SALES_URL"], headers={caller: proof}, params={"sku": sku})
        found = listed.json()["items"]
        time.sleep(0.2)
    assert found == [{"sku": sku, "quantity": 10_000, "orders": 1}]

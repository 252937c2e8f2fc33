"""From an order to people: through gateway, outbox, broker and bot."""

import os
import ssl
import time
from uuid import uuid4

import httpx2

SECONDS = 30


def test_people_are_told_of_an_order() -> None:
    host = os.environ["GATEWAY_HOST"]
    caller, proof = os.environ["CALLER"].split(": ", 1)
    line = {"sku": f"TOLD-{uuid4().hex[:8]}", "quantity": 3}
    price = {"amount": f"{int(time.time()) % 100_000}.07", "currency": "EUR"}
    with httpx2.Client(
        base_url=os.environ["GATEWAY_URL"],
        verify=ssl.create_default_context(cafile="certs/fullchain.pem"),
        headers={"Host": host, caller: proof},
        timeout=10,
    ) as gateway:
        placed = gateway.post(
            "/api/v1/orders",
            json={"lines": [line | {"unit_price": price}]},
            extensions={"sni_hostname": host},
        ).json()
    told = f"Order placed: {placed['total']['amount']} EUR"
    deadline = time.monotonic() + SECONDS
    with httpx2.Client(base_url=os.environ["TELEGRAM_URL"], timeout=10) as telegram:
        said: list[str] = []
        while not any(text.startswith(told) for text in said) and time.monotonic() < deadline:
            time.sleep(0.2)
            said = [each["text"] for each in telegram.get("/people/1001/said").json()]
    assert any(text.startswith(told) for text in said), told

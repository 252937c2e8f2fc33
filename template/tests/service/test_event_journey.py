"""What is told of an order behind its answer: through gateway, outbox, relay and broker."""

import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

LINES = [{"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}]
SECONDS = 30


@pytest.fixture
def heard() -> Iterator[Callable[[], list[Any]]]:
    """Bind a queue to all that happens to orders, and yield what takes the events out of it."""
    name = f"service-test-{uuid4().hex[:8]}"
    queue = f"/api/queues/%2F/{name}"
    everything = {"count": 100, "ackmode": "ack_requeue_false", "encoding": "auto"}
    with httpx2.Client(
        base_url=os.environ["BROKER_URL"], auth=("app", os.environ["BROKER_PASSWORD"]), timeout=10
    ) as broker:

        def take() -> list[Any]:
            taken = broker.post(f"{queue}/get", json=everything).raise_for_status().json()
            return [json.loads(message["payload"]) for message in taken]

        broker.put(queue, json={"durable": True}).raise_for_status()
        try:
            bind = f"/api/bindings/%2F/e/events/q/{name}"
            broker.post(bind, json={"routing_key": "order.*.v1"}).raise_for_status()
            yield take
        finally:
            broker.delete(queue)


def test_what_happens_to_an_order_is_told(heard: Callable[[], list[Any]]) -> None:
    host = os.environ["GATEWAY_HOST"]
    caller, proof = os.environ["CALLER"].split(": ", 1)
    with httpx2.Client(
        base_url=os.environ["GATEWAY_URL"],
        verify=ssl.create_default_context(cafile="certs/fullchain.pem"),
        headers={"Host": host, caller: proof},
        timeout=10,
    ) as gateway:
        named = {"sni_hostname": host}
        placed = gateway.post("/api/v1/orders", json={"lines": LINES}, extensions=named).json()
        paid = gateway.post(f"/api/v1/orders/{placed['id']}/pay", extensions=named)
        assert paid.status_code == 200
    told: list[Any] = []
    deadline = time.monotonic() + SECONDS
    while len(told) < 2 and time.monotonic() < deadline:
        # Others may place orders meanwhile.
        told += [event for event in heard() if event["order"]["id"] == placed["id"]]
        time.sleep(0.2)
    assert [(event["type"], event["order"]["version"]) for event in told] == [
        ("order.placed", 1),
        ("order.paid", 2),
    ]

"""Place an order and see that the worker counts it, on the running stack."""

import subprocess
import sys
import time
from uuid import uuid4

from smoke import HEADERS, call, send

SECONDS = 60


def call_as(target: str) -> None:
    """Let the next calls be made by whom this target of make names."""
    said = subprocess.check_output(["make", "--silent", target], text=True)
    HEADERS.update(dict([said.strip().split(": ", 1)]))


def address(service: str, port: str) -> str:
    """Return where a service is published."""
    said = subprocess.check_output(["docker", "compose", "port", service, port], text=True)
    return f"http://{said.strip()}"


def main() -> None:
    """Stop with a sentence when the order is not counted."""
    sku = f"CHECK-{uuid4().hex[:8]}"
    line = {"sku": sku, "quantity": 10_000, "unit_price": {"amount": "0.01", "currency": "EUR"}}
    call_as("auth-header")
    send(address("business_api", "8000"), "POST", "/api/v1/orders", {"lines": [line]})
    call_as("data-auth-header")
    sales = f"{address('data_postgres_api', '8001')}/api/v1/sales?sku={sku}"
    deadline = time.monotonic() + SECONDS
    counted: list[object] = []
    while not counted and time.monotonic() < deadline:
        time.sleep(0.5)
        counted = call(sales)[1]["items"]
    if counted != [{"sku": sku, "quantity": 10_000, "orders": 1}]:
        sys.exit(f"The worker counted {counted}, and not one order of 10,000 pieces.")


if __name__ == "__main__":
    main()

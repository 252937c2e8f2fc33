"""Use one API of the running stack as a client would: `python make/smoke.py data|business`."""

import json
import subprocess
import sys
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import uuid4

LINES = [{"sku": "TEA", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}]
TOTAL = {"amount": "9.00", "currency": "EUR"}
HEADERS = {"Content-Type": "application/json"}


def call(url: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """Send JSON and return status and answer, waiting for a service that is still starting."""
    data = json.dumps(body).encode() if body else None
    request = Request(url, data, HEADERS, method=method)
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                return error.code, json.load(error)
        except (URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def expect(what: str, got: object, wanted: object) -> None:
    """Stop with a sentence when an answer is not the one that the API promises."""
    if got != wanted:
        sys.exit(f"{what}: expected {wanted!r}, got {got!r}")


def data(orders: str) -> None:
    """Store, repeat, read and change an order in the data service."""
    order, new = f"{orders}/{uuid4()}", {"lines": LINES, "total": TOTAL}
    expect("storing", call(order, "PUT", new)[0], 201)
    expect("storing again", call(order, "PUT", new)[0], 200)
    expect("reading", call(order)[1]["total"], TOTAL)
    expect("paying", call(f"{order}/status", "PUT", {"status": "paid", "version": 1})[0], 200)
    expect("stale", call(f"{order}/status", "PUT", {"status": "cancelled", "version": 1})[0], 409)


def business(orders: str) -> None:
    """Take an order from placing to shipping; then it can no longer be cancelled."""
    status, order = call(orders, "POST", {"lines": LINES})
    expect("placing", (status, order.get("total")), (201, TOTAL))
    one = f"{orders}/{order['id']}"
    expect("listing", order["id"] in [item["id"] for item in call(orders)[1]["items"]], True)
    expect("paying", call(f"{one}/pay", "POST")[1]["status"], "paid")
    expect("shipping", call(f"{one}/ship", "POST")[1]["status"], "shipped")
    expect("cancelling a shipped order", call(f"{one}/cancel", "POST")[0], 409)


APIS = {"data": (data, "data_postgres_api", "8001"), "business": (business, "business_api", "8000")}

if __name__ == "__main__":
    use, *place = APIS[sys.argv[1]]
    who = ["make", "--silent", "caller" if use is business else "data-caller"]
    HEADERS |= dict([subprocess.check_output(who, text=True).strip().split(": ", 1)])
    where = subprocess.run(["docker", "compose", "port", *place], check=True, capture_output=True)
    use(f"http://{where.stdout.decode().strip()}/api/v1/orders")

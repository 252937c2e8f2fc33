"""What the system is asked under load, and how long each kind of request took."""

import json
import os
import threading
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from locust import HttpUser, between, events, task
from locust.env import Environment

LINES = [{"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}]
# The unit of measure: it goes where an order goes, through every part, and does nothing there.
CALIBRATION = "calibration"
MEASURED = (CALIBRATION, "read an order", "list orders", "place an order", "pay an order")
# The median of fewer than these says nothing.
ENOUGH = 30

durations: defaultdict[str, list[float]] = defaultdict(list)
failures: list[str] = []


class Customer(HttpUser):
    """Looks at orders most of the time, and sometimes places and pays one."""

    wait_time = between(0.005, 0.015)

    def on_start(self) -> None:
        caller, proof = os.environ["CALLER"].split(": ", 1)
        self.client.headers[caller] = proof
        placed = self.client.post("/api/v1/orders", json={"lines": LINES}, name="first order")
        self.order = placed.json()["id"]

    @task(4)
    def calibrate(self) -> None:
        self.client.get("/ready", name=CALIBRATION)

    @task(4)
    def read(self) -> None:
        self.client.get(f"/api/v1/orders/{self.order}", name="read an order")

    @task(2)
    def look(self) -> None:
        self.client.get("/api/v1/orders?limit=20", name="list orders")

    @task(1)
    def buy(self) -> None:
        placed = self.client.post("/api/v1/orders", json={"lines": LINES}, name="place an order")
        self.order = placed.json()["id"]
        self.client.post(f"/api/v1/orders/{self.order}/pay", name="pay an order")


def note(name: str, response_time: float, exception: BaseException | None, **_: Any) -> None:
    if exception is None:
        durations[name].append(response_time)
    else:
        failures.append(f"{name}: {exception}")


def write(environment: Environment, **_: Any) -> None:
    enough = {name: times for name, times in durations.items() if len(times) >= ENOUGH}
    result = {
        "milliseconds": {name: median(times) for name, times in enough.items()},
        "requests": sum(map(len, durations.values())),
        "seldom": [name for name in MEASURED if name not in enough],
        "failures": failures,
    }
    Path(os.environ["LOAD_RESULT"]).write_text(json.dumps(result))


def end(environment: Environment, **_: Any) -> None:
    """End the run when everything was asked often enough; `--run-time` is the latest end."""

    def wait() -> None:
        time.sleep(float(os.environ["LOAD_SECONDS"]))
        while any(len(durations[name]) < ENOUGH for name in MEASURED):
            time.sleep(0.5)
        if environment.runner:
            environment.runner.quit()

    threading.Thread(target=wait, daemon=True).start()


events.init.add_listener(end)
events.request.add_listener(note)
events.quitting.add_listener(write)

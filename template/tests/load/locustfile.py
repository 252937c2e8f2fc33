"""The journey under load, and how long each kind of request took."""

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

from tests.journeys import described

journey = described()
# The unit of measure: it goes through every part, and does nothing there.
CALIBRATION = "calibration"
CREATE, READ, LIST, ADVANCE = "create", "read", "list", "advance"
MEASURED = (CALIBRATION, CREATE, READ, LIST, ADVANCE)
# The median of fewer than these says nothing.
ENOUGH = 30

durations: defaultdict[str, list[float]] = defaultdict(list)
failures: list[str] = []


class User(HttpUser):
    """Looks most of the time, and sometimes creates and advances something."""

    wait_time = between(0.005, 0.015)

    def on_start(self) -> None:
        caller, proof = os.environ["CALLER"].split(": ", 1)
        self.client.headers[caller] = proof
        self.create("first")

    @task(4)
    def calibrate(self) -> None:
        self.client.get("/ready", name=CALIBRATION)

    @task(4)
    def read(self) -> None:
        self.ask(READ, *journey.read(self.key))

    @task(2)
    def look(self) -> None:
        self.ask(LIST, *journey.browse())

    @task(1)
    def work(self) -> None:
        self.create(CREATE)
        self.ask(ADVANCE, *journey.advance(self.key))

    def create(self, name: str) -> None:
        self.key = str(self.ask(name, *journey.create()).json()[journey.KEY])

    def ask(self, name: str, method: str, path: str, body: object) -> Any:
        return self.client.request(method, path, json=body, name=name)


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

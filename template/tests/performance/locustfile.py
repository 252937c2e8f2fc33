"""Users who come at the rate of a profile, however long the answers take."""

import json
import os
import random
import shlex
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from locust import FastHttpUser, LoadTestShape, constant_pacing, events, task
from locust.env import Environment

from tests.journeys import described
from tests.performance.profiles import PERIOD, phase_at, phases_of

journey = described()
# An access token lives for five minutes by default, and a soak for longer.
RENEWAL_SECONDS = 120
PROGRESS_SECONDS = 60
# How many users begin or end in a second: all that a phase needs.
AT_ONCE = 1000
CREATE, READ, LIST, ADVANCE = "create", "read", "list", "advance"
# The unit of measure: it goes through every part, and does nothing there.
READINESS = "readiness"
READINESS_SECONDS = 0.25

phases = phases_of(os.environ["PROFILE"], int(os.environ["SOAK_SECONDS"]))
headers = {
    # A stranger each time. A connection that is kept would be closed by the service after five
    # seconds without a request, which may be the very moment of the next one.
    "Connection": "close",
    "Content-Type": "application/json",
}
created: deque[str] = deque(maxlen=100)
fresh: deque[str] = deque(maxlen=100)
# Phase, name, seconds since the start, milliseconds, status, and whether Retry-After is there.
requests: list[tuple[int, str, float, float, int, bool]] = []
# Seconds since the start, and milliseconds.
readiness: list[tuple[float, float]] = []


class User(FastHttpUser):
    """Looks most of the time, and sometimes creates or advances something: one request a visit."""

    connection_timeout = 15
    network_timeout = 30

    def on_start(self) -> None:
        # All begin in the same second, but not as one crowd at the same moment of it.
        self.due = time.monotonic() + random.uniform(0, PERIOD)
        time.sleep(self.due - time.monotonic())

    def wait_time(self) -> float:
        """Return the seconds until the next visit, which does not depend on the last answer.

        Who waited for longer than a period comes at once; visits that were missed are not made up.
        """
        now = time.monotonic()
        self.due = max(self.due + PERIOD, now)
        return self.due - now

    @task(5)
    def read(self) -> None:
        if created:
            self.ask(READ, *journey.read(random.choice(created)))
        else:
            self.work()

    @task(3)
    def look(self) -> None:
        self.ask(LIST, *journey.browse())

    @task(2)
    def work(self) -> None:
        if fresh:
            self.ask(ADVANCE, *journey.advance(fresh.popleft()))
        else:
            self.ask(CREATE, *journey.create())

    def ask(self, name: str, method: str, path: str, body: object) -> None:
        self.client.request(method, path, name=name, json=body, headers=headers)


class Measure(FastHttpUser):
    """Asks all the time whether the system is ready, which shows when the machine is not."""

    fixed_count = 1
    wait_time = constant_pacing(READINESS_SECONDS)
    connection_timeout = 15
    network_timeout = 30

    @task
    def ask(self) -> None:
        self.client.get("/ready", name=READINESS, headers={"Connection": "close"})


class Profile(LoadTestShape):
    """As many users as make the rate of the phase that it is time for."""

    started = 0.0
    told = 0.0
    phase: int | None = None

    def tick(self) -> tuple[int, int] | None:
        now = time.time()
        Profile.started = Profile.started or now
        index = phase_at(phases, now - self.started)
        if index is None:
            return None
        phase = phases[index]
        if index != self.phase:
            self.phase, self.told = index, now
            text = f"{phase.name}: {phase.rate} requests a second for {phase.seconds} seconds"
            print(text, flush=True)
        elif now - self.told >= PROGRESS_SECONDS:
            self.told = now
            failed = sum(not 200 <= status < 400 for *_, status, _ in requests)
            text = f"{now - self.started:.0f} seconds: {len(requests)} requests, {failed} failed"
            print(text, flush=True)
        return phase.rate * PERIOD + Measure.fixed_count, AT_ONCE


def note(
    name: str,
    response_time: float,
    start_time: float,
    response: Any,
    exception: BaseException | None,
    **_: Any,
) -> None:
    """Keep what became of a request; one whose answer breaks off has none, whatever its status."""
    started = start_time - Profile.started
    if name == READINESS:
        readiness.append((started, response_time))
        return
    status: int = response.status_code
    if exception is not None and status < 400:
        status = 0
    phase = phase_at(phases, started)
    if phase is not None:
        says_when = bool(status and response.headers.get("Retry-After"))
        requests.append((phase, name, started, response_time, status, says_when))
    if name == CREATE and exception is None:
        key = str(response.json()[journey.KEY])
        created.append(key)
        fresh.append(key)


def call() -> None:
    """Set the header that says who calls."""
    command = shlex.split(os.environ["CALLER_COMMAND"])
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    name, proof = done.stdout.strip().split(": ", 1)
    headers[name] = proof


def go_on_calling() -> None:
    while True:
        time.sleep(RENEWAL_SECONDS)
        call()


def begin(**_: Any) -> None:
    call()
    threading.Thread(target=go_on_calling, daemon=True).start()


def write(environment: Environment, **_: Any) -> None:
    result = {"requests": requests, "readiness": readiness}
    Path(os.environ["RESULT"]).write_text(json.dumps(result))


events.init.add_listener(begin)
events.request.add_listener(note)
events.quitting.add_listener(write)

"""The broker and the relay are killed under load: every change is told, none invented."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.chaos.broker import Broker
from tests.notes import BODY, PATH

if TYPE_CHECKING:
    from tests.chaos.conftest import System

# Seconds in which notes are written before something else is killed.
PAUSE = 1.5
ARRIVAL = 60


class Relay:
    """The relay as a process."""

    def __init__(self, broker: Broker) -> None:
        self._environment = os.environ | {
            "RABBITMQ_HOST": broker.settings.host,
            "RABBITMQ_PORT": str(broker.settings.port),
            "RABBITMQ_PASSWORD": "test",
            "OUTBOX_POLL_SECONDS": "0.05",
            "OUTBOX_RETRY_SECONDS": "0.5",
            "METRICS_PORT": "0",
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "data_postgres_api.outbox"]
        self.process = subprocess.Popen(command, env=self._environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def relay(broker: Broker, system: "System") -> Iterator[Relay]:
    started = Relay(broker)
    yield started
    started.kill()


class Authors:
    """Write notes, one after the other in each of some threads, and note which were confirmed."""

    def __init__(self, system: "System") -> None:
        self.confirmed: set[str] = set()
        self.refused: list[str] = []
        self._system = system
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        while not self._stop.is_set():
            # With a key: a note that a busy machine confirms too late is still one note. An open
            # circuit breaker refuses at once, so an author tries again for a while.
            key = {"Idempotency-Key": uuid4().hex}
            deadline = time.monotonic() + ARRIVAL
            while True:
                answer = self._system.client.post(PATH, json=BODY, headers=key)
                if answer.status_code == 201 or time.monotonic() > deadline:
                    break
                time.sleep(0.2)
            if answer.status_code != 201:
                self.refused.append(answer.text)
                return
            self.confirmed.add(answer.json()["id"])
            time.sleep(0.05)

    def leave(self) -> None:
        """Let the last of them write their note."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


async def test_broker_and_relay_are_killed_under_load(
    system: "System", broker: Broker, relay: Relay
) -> None:
    await broker.queue()
    authors = Authors(system)
    container = broker.container.get_wrapped_container()
    for _ in range(2):
        await asyncio.sleep(PAUSE)
        container.kill()
        await asyncio.sleep(PAUSE)
        relay.kill()
        relay.start()
        container.start()
        await broker.until_declared("chaos")
        await asyncio.sleep(PAUSE)
        relay.kill()
        relay.start()
    authors.leave()
    assert authors.refused == []
    assert len(authors.confirmed) > 50

    told: dict[str, set[str]] = {}
    deadline = time.monotonic() + ARRIVAL
    while not told.keys() >= authors.confirmed and time.monotonic() < deadline:
        async for event in broker.heard():
            told.setdefault(str(event.note_id), set()).add(str(event.id))
        await asyncio.sleep(0.5)
    assert told.keys() == authors.confirmed
    # Delivered twice, perhaps, but always under the one id by which a consumer knows it.
    assert {len(ids) for ids in told.values()} == {1}

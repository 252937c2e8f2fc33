"""Workers and broker are killed in the middle of messages: each has its effect, and has it once."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2

from chassis.testing import service_token
from messaging.publisher import Outgoing, publisher
from tests.chaos.broker import Broker
from tests.chaos.note_worker import COUNTS, QUEUE
from tests.notes.event_contracts import NoteWritten

if TYPE_CHECKING:
    from tests.chaos.conftest import System

EVENTS = 600


class Worker:
    """A worker as a process."""

    def __init__(self, broker: Broker, system: "System", key: str) -> None:
        self._environment = os.environ | {
            "RABBITMQ_HOST": broker.settings.host,
            "RABBITMQ_PORT": str(broker.settings.port),
            "RABBITMQ_PASSWORD": "test",
            "READER_RETRY_SECONDS": "[0.2, 0.5]",
            "DATA_SERVICE_URL": system.data.url,
            "SERVICE_PRIVATE_KEY": key,
            "METRICS_PORT": "0",
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.chaos.note_worker"]
        self.process = subprocess.Popen(command, env=self._environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def written() -> Outgoing:
    event = NoteWritten(note_id=uuid4(), note_version=1)
    return Outgoing(event.id, event.routing_key(), event.model_dump_json())


def counted(system: "System") -> int:
    """How often the workers have counted a note."""
    headers = {"Authorization": f"Bearer {service_token('ada')}"}
    answer = httpx2.get(f"{system.data.url}{COUNTS}", headers=headers)
    return int(answer.json()["times"])


async def more_than(system: "System", number: int) -> None:
    async with asyncio.timeout(60):
        while counted(system) <= number:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_workers_and_broker_are_killed_in_the_middle(
    system: "System", broker: Broker, signing_keys: Mapping[str, str]
) -> None:
    workers = [Worker(broker, system, signing_keys["business_worker"]) for _ in range(2)]
    try:
        await broker.until_declared(f"business_worker.{QUEUE}")
        events = [written() for _ in range(EVENTS)]
        async with publisher(broker.settings, "test") as publish:
            # Each twice, as a relay does that ends at the wrong moment.
            await asyncio.gather(*(publish(each) for each in events + events))
        container = broker.container.get_wrapped_container()
        for worker in workers:
            await more_than(system, counted(system) + 20)
            worker.kill()
            worker.start()
        await more_than(system, counted(system) + 20)
        container.kill()
        container.start()
        await more_than(system, EVENTS - 1)
        await asyncio.sleep(2)  # nothing comes after that
        assert counted(system) == EVENTS
    finally:
        for worker in workers:
            worker.kill()

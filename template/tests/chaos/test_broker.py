"""The broker and the relay are killed while orders come in: every one is told, none invented."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import aio_pika
import pytest
from aio_pika.abc import AbstractQueue
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from chassis.errors import Unavailable
from contracts.events import EXCHANGE, OrderPlaced
from messaging.publisher import UNREACHABLE, connect
from messaging.settings import RabbitSettings
from tests.chaos.support import free_port

if TYPE_CHECKING:
    from tests.chaos.conftest import System

LINE = {"sku": "TEA", "quantity": 1, "unit_price": {"amount": "4.50", "currency": "EUR"}}
SECONDS = 20
ARRIVAL = 60


class Broker:
    """RabbitMQ in a container that keeps its port and its data when it is killed."""

    def __init__(self) -> None:
        port = free_port()
        self.settings = RabbitSettings(host="127.0.0.1", port=port, password=SecretStr("test"))
        self.container = (
            DockerContainer("rabbitmq:4.1-management")
            .with_env("RABBITMQ_DEFAULT_USER", "app")
            .with_env("RABBITMQ_DEFAULT_PASS", "test")
            .with_kwargs(hostname="rabbitmq")
            .with_bind_ports(5672, port)
            .waiting_for(LogMessageWaitStrategy("Server startup complete"))
        )

    async def queue(self) -> AbstractQueue:
        """Declare a queue that outlives the broker; the connection lives as long as the loop."""
        connection = await connect(self.settings, "listener")
        channel = await connection.channel()
        exchange = await channel.declare_exchange(
            EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
        )
        queue = await channel.declare_queue(
            "chaos", durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind(exchange, OrderPlaced.routing_key())
        return queue

    async def heard(self) -> AsyncIterator[OrderPlaced]:
        """Yield what is in the queue now; nothing while the broker is away."""
        with suppress(Unavailable, *UNREACHABLE):
            queue = await self.queue()
            while message := await queue.get(fail=False):
                yield OrderPlaced.model_validate_json(message.body)
                await message.ack()


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    with made.container:
        yield made


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


class Customers:
    """Place orders, one after the other in each of some threads, and note which were confirmed."""

    def __init__(self, system: "System") -> None:
        self.confirmed: set[str] = set()
        self._system = system
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._place) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _place(self) -> None:
        while not self._stop.is_set():
            answer = self._system.client.post("/api/v1/orders", json={"lines": [LINE]})
            assert answer.status_code == 201
            self.confirmed.add(answer.json()["id"])
            time.sleep(0.05)

    def leave(self) -> None:
        """Let the last of them place their order."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


async def test_broker_and_relay_are_killed_under_load(
    system: "System", broker: Broker, relay: Relay
) -> None:
    await broker.queue()
    customers = Customers(system)
    container = broker.container.get_wrapped_container()
    for _ in range(2):
        await asyncio.sleep(SECONDS / 8)
        container.kill()
        await asyncio.sleep(SECONDS / 8)
        relay.kill()
        relay.start()
        container.start()
        await asyncio.sleep(SECONDS / 4)
        relay.kill()
        relay.start()
    customers.leave()
    assert len(customers.confirmed) > 50

    told: dict[str, set[str]] = {}
    deadline = time.monotonic() + ARRIVAL
    while told.keys() < customers.confirmed and time.monotonic() < deadline:
        async for event in broker.heard():
            told.setdefault(str(event.order.id), set()).add(str(event.id))
        await asyncio.sleep(0.5)
    assert told.keys() == customers.confirmed
    # Delivered twice, perhaps, but always under the one id by which a consumer knows it.
    assert {len(ids) for ids in told.values()} == {1}

"""A RabbitMQ that can be killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import aio_pika
import pytest
from aio_pika.abc import AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from chassis.errors import Unavailable
from contracts.events import EXCHANGE
from messaging.publisher import UNREACHABLE, connect
from messaging.settings import RabbitSettings
from tests.chaos.support import free_port
from tests.notes.event_contracts import NoteWritten


class Broker:
    """RabbitMQ in a container that keeps its port and its data when it is killed."""

    def __init__(self) -> None:
        port = free_port()
        self.settings = RabbitSettings(host="127.0.0.1", port=port, password=SecretStr("test"))
        self.container = (
            DockerContainer("rabbitmq:4.3-management")
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
        await queue.bind(exchange, NoteWritten.routing_key())
        return queue

    async def until_declared(self, *queues: str) -> None:
        """Wait until the broker answers and has these queues."""
        async with asyncio.timeout(60):
            for queue in queues:
                while not await self._has(queue):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)

    async def _has(self, queue: str) -> bool:
        with suppress(Unavailable, ChannelNotFoundEntity, *UNREACHABLE):
            async with await connect(self.settings, "looks") as connection:
                await (await connection.channel()).get_queue(queue)
                return True
        return False

    async def heard(self) -> AsyncIterator[NoteWritten]:
        """Yield what is in the queue now; nothing while the broker is away."""
        with suppress(Unavailable, *UNREACHABLE):
            queue = await self.queue()
            while message := await queue.get(fail=False):
                yield NoteWritten.model_validate_json(message.body)
                await message.ack()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for all tests: each uses queues of its own, and starts it again after a kill."""
    made = Broker()
    with made.container:
        yield made

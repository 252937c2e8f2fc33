"""A RabbitMQ that can be killed."""

from collections.abc import AsyncIterator
from contextlib import suppress

import aio_pika
from aio_pika.abc import AbstractQueue
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from chassis.errors import Unavailable
from contracts.events import EXCHANGE, OrderPlaced
from messaging.publisher import UNREACHABLE, connect
from messaging.settings import RabbitSettings
from tests.chaos.support import free_port


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

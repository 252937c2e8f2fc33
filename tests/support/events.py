"""Somebody who wants to hear of events, in a system that runs."""

from collections.abc import Callable

# RabbitMQ has no numbers of queues before there is one, and drops what nobody wants to hear.
LISTEN = """
import asyncio
from aio_pika import ExchangeType
from chassis.settings import read_settings
from messaging.publisher import connect
from messaging.settings import RabbitSettings

async def main():
    async with await connect(read_settings(RabbitSettings), "listener") as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange("events", ExchangeType.TOPIC, durable=True)
        quorum = {"x-queue-type": "quorum"}
        queue = await channel.declare_queue("listener", durable=True, arguments=quorum)
        await queue.bind(exchange, "order.*.v1")

asyncio.run(main())
"""


def listen(compose: Callable[..., str]) -> None:
    """Bind a queue to all events of orders; `compose` runs a command of Docker Compose."""
    compose("exec", "-T", "outbox_relay", "python", "-c", LISTEN)

"""A queue that gets the events of a running system."""

from tests.support.docker import Stack

# RabbitMQ has no figures of queues before there is one, and drops what nobody reads.
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


def listen(stack: Stack) -> None:
    """Bind a queue to all events of orders."""
    stack.execute("outbox_relay", "python", "-c", LISTEN)

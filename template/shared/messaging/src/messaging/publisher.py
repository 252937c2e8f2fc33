"""Publishes to the exchange of events, and returns only when RabbitMQ has what was published."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from chassis.errors import Unavailable
from contracts.events import EXCHANGE
from messaging.settings import RabbitSettings

# At DEBUG they write each frame, and an error for each attempt while the broker is away, which is
# told by whoever tries.
for _library in ("aio_pika", "aiormq"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)

# Of a connection that ends meanwhile aiormq says so by a plain RuntimeError.
UNREACHABLE = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, RuntimeError)
"""What is raised while RabbitMQ is away, breaks off, or does not answer."""


@dataclass(frozen=True)
class Outgoing:
    """A message as it waits to be published; `body` is JSON."""

    id: UUID
    routing_key: str
    body: str
    happened_at: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)


Publish = Callable[[Outgoing], Awaitable[None]]
"""Returns when the broker has the message on its disk; raises `Unavailable` when it has not."""


async def connect(settings: RabbitSettings, name: str) -> AbstractConnection:
    """Return a connection that the broker lists under `name`; raise `Unavailable` without one."""
    try:
        return await aio_pika.connect(
            host=settings.host,
            port=settings.port,
            login=settings.user,
            password=settings.password.get_secret_value(),
            timeout=settings.timeout_seconds,
            client_properties={"connection_name": name},
        )
    except UNREACHABLE as error:
        where = f"RabbitMQ at {settings.host}:{settings.port}"
        raise Unavailable(f"{where} cannot be reached: {error}") from error


@asynccontextmanager
async def publisher(settings: RabbitSettings, name: str) -> AsyncIterator[Publish]:
    """Yield what publishes events, on a connection of its own; raise `Unavailable` without one."""
    async with await connect(settings, name) as connection:
        try:
            async with asyncio.timeout(settings.timeout_seconds):
                channel = await connection.channel(publisher_confirms=True)
                exchange = await channel.declare_exchange(
                    EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
                )
        except UNREACHABLE as error:
            raise Unavailable(f"RabbitMQ has no exchange {EXCHANGE}: {error!r}") from error

        async def publish(message: Outgoing) -> None:
            try:
                # Whether anybody listens is the listeners' affair: nobody need be bound yet.
                await exchange.publish(
                    aio_pika.Message(
                        message.body.encode(),
                        content_type="application/json",
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                        message_id=str(message.id),
                        timestamp=message.happened_at,
                        headers=dict(message.headers),
                    ),
                    message.routing_key,
                    mandatory=False,
                    timeout=settings.timeout_seconds,
                )
            except UNREACHABLE as error:
                raise Unavailable(f"RabbitMQ did not take {message.id}: {error!r}") from error

        yield publish

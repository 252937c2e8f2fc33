"""Publishes what waits in the outbox, in its order, and deletes what the broker has.

When the relay ends between the two, an event goes out once more, under the same id: consumers have
to know which ids they have seen. Of two relays one waits for the other, so that a roll-out, which
runs two of them for a while, does not double everything.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from chassis.errors import Unavailable
from chassis.process import pause
from data_postgres_api.outbox.models import OutboxRow
from data_postgres_api.outbox.settings import OutboxSettings
from messaging.publisher import Outgoing, Publish

log = logging.getLogger(__name__)

ONE_RELAY = func.pg_try_advisory_xact_lock(func.hashtext("outbox"))


async def publish_batch(
    sessions: async_sessionmaker[AsyncSession], publish: Publish, batch: int
) -> int:
    """Publish the oldest events, `batch` at most, and return how many these were.

    Raises `Unavailable` when the broker did not take one; then all of them wait as before.
    """
    async with sessions.begin() as session:
        if not await session.scalar(select(ONE_RELAY)):
            return 0
        oldest = select(OutboxRow).order_by(OutboxRow.sequence).limit(batch)
        rows = (await session.scalars(oldest)).all()
        # They reach the broker in the order in which they are started.
        await asyncio.gather(*(publish(_outgoing(row)) for row in rows))
        sequences = [row.sequence for row in rows]
        connection = await session.connection()
        await connection.execute(delete(OutboxRow).where(OutboxRow.sequence.in_(sequences)))
    for row in rows:
        log.info("%s %s published", row.routing_key, row.id)
    return len(rows)


def _outgoing(row: OutboxRow) -> Outgoing:
    return Outgoing(row.id, row.routing_key, row.body, row.headers)


async def relay_until(
    stop: asyncio.Event,
    settings: OutboxSettings,
    connect: Callable[[], AbstractAsyncContextManager[Publish]],
    publish: Callable[[Publish], Awaitable[int]],
) -> None:
    """Publish until `stop` is set; while broker or database are away, try again and again."""
    while not stop.is_set():
        try:
            async with connect() as to_broker:
                log.info("publishing to RabbitMQ")
                while not stop.is_set():
                    published = await publish(to_broker)
                    await pause(stop, 0 if published else settings.poll_seconds)
        except (Unavailable, DBAPIError) as error:
            log.warning("nothing is published: %s", error)
            await pause(stop, settings.retry_seconds)

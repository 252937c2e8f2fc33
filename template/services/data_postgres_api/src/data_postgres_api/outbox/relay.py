"""Publishes what waits in the outbox, in its order, and deletes what the broker has.

When the relay ends between the two, an event goes out once more, under the same id: consumers have
to know which ids they have seen. Of two relays one waits for the other, so that a roll-out, which
runs two of them for a while, does not double everything. An event that the broker refuses stays,
and those behind it pass.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from chassis.errors import Unavailable
from chassis.process import pause
from data_postgres_api.outbox.headers import log_fields
from data_postgres_api.outbox.models import OutboxRow
from data_postgres_api.outbox.settings import OutboxSettings
from messaging.publisher import Outgoing, Publish

log = logging.getLogger(__name__)

ONE_RELAY = func.pg_try_advisory_xact_lock(func.hashtext("outbox"))
# The transaction is idle while the broker writes: that takes as long as publishing may take.
PATIENT = text("SET LOCAL idle_in_transaction_session_timeout = 0")


async def publish_batch(
    sessions: async_sessionmaker[AsyncSession], publish: Publish, batch: int
) -> int:
    """Publish the oldest events, `batch` at most, and return how many these were.

    Raises what was raised for the first that the broker did not take; it waits as before, and those
    that the broker has are gone.
    """
    async with sessions.begin() as session:
        if not await session.scalar(select(ONE_RELAY)):
            return 0
        oldest = select(OutboxRow).order_by(OutboxRow.sequence).limit(batch)
        rows = (await session.scalars(oldest)).all()
        connection = await session.connection()
        await connection.execute(PATIENT)
        # They reach the broker in the order in which they are started.
        said = await asyncio.gather(
            *(publish(_outgoing(row)) for row in rows), return_exceptions=True
        )
        taken = [row for row, error in zip(rows, said, strict=True) if error is None]
        sequences = [row.sequence for row in taken]
        await connection.execute(delete(OutboxRow).where(OutboxRow.sequence.in_(sequences)))
    for row in taken:
        log.info("%s %s published", row.routing_key, row.id, extra=log_fields(row.headers))
    for error in said:
        if error is not None:
            raise error
    return len(rows)


def _outgoing(row: OutboxRow) -> Outgoing:
    return Outgoing(row.id, row.routing_key, row.body, row.created_at, row.headers)


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

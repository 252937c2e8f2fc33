"""What Prometheus reads about the outbox: what waits, for how long, and what has left."""

import asyncio
from contextlib import suppress

from prometheus_client import Counter, Gauge
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from chassis.errors import Unavailable
from data_postgres_api.outbox.models import OutboxRow
from messaging.publisher import Outgoing, Publish

SECONDS = 5

WAITING = Gauge("outbox_events_waiting", "Events that are not published yet.")
OLDEST = Gauge("outbox_oldest_event_seconds", "How long the oldest of these waits.")
PUBLISHED = Counter("outbox_events_published_total", "Events that the broker has.", ["event"])

AGE = func.coalesce(func.extract("epoch", func.now() - func.min(OutboxRow.created_at)), 0)


def counted(publish: Publish) -> Publish:
    """Return what publishes, and counts what the broker took."""

    async def publish_and_count(message: Outgoing) -> None:
        await publish(message)
        PUBLISHED.labels(message.routing_key).inc()

    return publish_and_count


async def measure(sessions: async_sessionmaker[AsyncSession]) -> None:
    """Look once at what waits."""
    async with sessions() as session:
        number, age = (
            await session.execute(select(func.count(), AGE).select_from(OutboxRow))
        ).one()
    WAITING.set(number)
    OLDEST.set(age)


async def measure_until(stop: asyncio.Event, sessions: async_sessionmaker[AsyncSession]) -> None:
    """Look every few seconds; while the database is away, the last that was seen stays."""
    while not stop.is_set():
        with suppress(Unavailable, DBAPIError):
            await measure(sessions)
        # Not by `pause`: that this still looks does not show that the relay is alive.
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SECONDS)

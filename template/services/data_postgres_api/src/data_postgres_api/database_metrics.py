"""What Prometheus reads about the database: the connection pool, and what was really stored."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from data_postgres_api.written import Written, after_commit

POOL_IN_USE = Gauge(
    "database_pool_connections_in_use",
    "Connections that requests hold at the moment.",
    multiprocess_mode="livesum",
)
POOL_LIMIT = Gauge(
    "database_pool_connections_limit",
    "Connections that may be held at once.",
    multiprocess_mode="livesum",
)
CREATED = Counter(
    "entities_created_total", "Entities that were stored and committed, by table.", ["entity"]
)
STATUS_CHANGES = Counter(
    "entity_status_changes_total",
    "Committed moves to another state, by table and new state.",
    ["entity", "status"],
)


def measure_pool(engine: AsyncEngine, limit: int) -> None:
    """Keep the gauges of the pool of `engine`, which lends `limit` connections at most."""
    pool = engine.sync_engine.pool
    POOL_LIMIT.set(limit)
    # Noted one by one: the pool's own count includes those that are being opened, perhaps in vain.
    held: set[int] = set()

    @event.listens_for(pool, "checkout")
    def checked_out(_: object, record: object, __: object) -> None:
        held.add(id(record))
        POOL_IN_USE.set(len(held))

    @event.listens_for(pool, "checkin")
    def checked_in(_: object, record: object) -> None:
        held.discard(id(record))
        POOL_IN_USE.set(len(held))


def count_from_zero(entities: Iterable[str]) -> None:
    """Show each table's counter before its first row: a rate does not see where a series begins."""
    for entity in entities:
        CREATED.labels(entity)


def _count(rows: list[Written]) -> None:
    for row in rows:
        if row.action == "created":
            CREATED.labels(row.table).inc()
        elif row.status is not None:
            STATUS_CHANGES.labels(row.table, row.status).inc()


after_commit(_count)

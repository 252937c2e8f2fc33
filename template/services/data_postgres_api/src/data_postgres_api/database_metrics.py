"""What Prometheus reads about the database: the connection pool, and what was really stored."""

from collections.abc import Iterable, Iterator
from enum import Enum

from prometheus_client import Counter, Gauge
from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction

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


# Facts are read from the unit of work, so that no slice has to count anything: each is a counter
# and its labels, together with the transaction that has to commit before it is true.
_Fact = tuple[SessionTransaction | None, Counter, tuple[str, ...]]
_KEY = "facts to be counted"


def _facts(session: Session) -> list[_Fact]:
    facts: list[_Fact] = session.info.setdefault(_KEY, [])
    return facts


def _moves(instance: object) -> Iterator[tuple[str, str]]:
    """Yield the table and the new `status` of a row, if it is an enumeration's: text has no end."""
    state = inspect(instance)
    if "status" in state.mapper.column_attrs:
        for value in state.attrs["status"].history.added or ():
            if isinstance(value, Enum):
                yield state.mapper.local_table.name, str(value.value)


@event.listens_for(Session, "after_flush")
def _note(session: Session, _: UOWTransaction) -> None:
    inside = session.get_nested_transaction()
    facts = _facts(session)
    for instance in session.new:
        facts.append((inside, CREATED, (inspect(instance).mapper.local_table.name,)))
    for instance in session.dirty:
        facts += [(inside, STATUS_CHANGES, labels) for labels in _moves(instance)]


@event.listens_for(Session, "after_commit")
def _count(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for _, counter, labels in _facts(session):
        counter.labels(*labels).inc()


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: SessionTransaction) -> None:
    session.info[_KEY] = [fact for fact in _facts(session) if not _within(fact[0], previous)]


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_KEY, None)


def _within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer

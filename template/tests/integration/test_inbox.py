"""The inbox on a real PostgreSQL: a message has its effect once, however often it comes."""

import asyncio
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from data_postgres_api.inbox.models import InboxRow
from data_postgres_api.inbox.repository import is_first

CONSUMER = "test_notes"


@pytest.fixture(autouse=True)
async def empty(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(delete(InboxRow))


async def deliver(engine: AsyncEngine, message: UUID, *, fails: bool = False) -> bool:
    """Take a message in a transaction of its own, which its effect may fail."""
    async with AsyncSession(engine) as session, session.begin() as transaction:
        first = await is_first(session, CONSUMER, message)
        await asyncio.sleep(0.05)
        if fails:
            await transaction.rollback()
        return first


async def test_of_many_deliveries_at_once_one_is_the_first(engine: AsyncEngine) -> None:
    message = uuid4()
    answers = await asyncio.gather(*(deliver(engine, message) for _ in range(4)))
    assert sorted(answers) == [False, False, False, True]


async def test_a_delivery_whose_effect_failed_was_none(engine: AsyncEngine) -> None:
    message = uuid4()
    assert await deliver(engine, message, fails=True)
    assert await deliver(engine, message)
    assert not await deliver(engine, message)


async def test_old_messages_are_forgotten_a_part_at_a_time(
    data_api: TestClient, engine: AsyncEngine
) -> None:
    old = [uuid4() for _ in range(3)]
    for message in old:
        await deliver(engine, message)
    async with engine.begin() as connection:
        long_ago = InboxRow.received_at - func.make_interval(0, 0, 0, 40)
        await connection.execute(update(InboxRow).values(received_at=long_ago))
    new = uuid4()
    await deliver(engine, new)
    forgotten = [
        data_api.delete("/api/v1/inbox", params={"days": 30, "limit": 2}).json()["messages"]
        for _ in range(3)
    ]
    assert forgotten == [2, 1, 0]
    assert not await deliver(engine, new)
    assert await deliver(engine, old[0])
    for days in (0, 4000):
        assert data_api.delete("/api/v1/inbox", params={"days": days}).status_code == 422

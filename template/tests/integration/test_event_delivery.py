"""Events on a real PostgreSQL and a real RabbitMQ: what is committed is told, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID, uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from fastapi.testclient import TestClient
from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from chassis.errors import Unavailable
from contracts.events import EXCHANGE
from data_postgres_api.outbox.models import OutboxRow
from data_postgres_api.outbox.relay import publish_batch, relay_until
from data_postgres_api.outbox.settings import OutboxSettings
from messaging.publisher import Outgoing, Publish, connect, publisher
from messaging.settings import RabbitSettings
from tests.notes import BODY, PATH
from tests.notes.event_contracts import NoteClosed, NoteWritten

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def sessions(engine: AsyncEngine) -> Sessions:
    """Sessions on an outbox that is empty."""
    async with engine.begin() as connection:
        await connection.execute(delete(OutboxRow))
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def listening(rabbit: RabbitSettings, *keys: str) -> AsyncIterator[AbstractQueue]:
    """A queue of somebody who wants to hear of something."""
    async with await connect(rabbit, "listener") as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(
            EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True
        )
        queue = await channel.declare_queue(exclusive=True)
        for key in keys:
            await queue.bind(exchange, key)
        yield queue


async def heard(queue: AbstractQueue, number: int) -> list[AbstractIncomingMessage]:
    return [await queue.get(no_ack=True, timeout=5) for _ in range(number)]


async def relayed(sessions: Sessions, rabbit: RabbitSettings, batch: int = 100) -> int:
    async with publisher(rabbit, "test") as publish:
        return await publish_batch(sessions, publish, batch)


async def waiting(sessions: Sessions) -> int:
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(OutboxRow)) or 0


def write(data_api: TestClient, **headers: str) -> UUID:
    note = uuid4()
    answer = data_api.put(f"{PATH}/{note}", json=BODY, headers=headers)
    assert answer.status_code == 201
    return note


async def test_what_happens_to_a_row_is_told_in_its_order(
    data_api: TestClient,
    sessions: Sessions,
    rabbit: RabbitSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "data_postgres_api.outbox")
    async with listening(rabbit, "test_note.*.v1") as queue:
        note = write(data_api, **{"X-Request-ID": "request-7"})
        data_api.put(f"{PATH}/{note}/closed")
        assert await waiting(sessions) == 2
        assert await relayed(sessions, rabbit) == 2
        assert await waiting(sessions) == 0
        first, second = await heard(queue, 2)
    written = NoteWritten.model_validate_json(first.body)
    closed = NoteClosed.model_validate_json(second.body)
    assert (written.note_id, written.note_version) == (note, 1)
    assert (closed.note_id, closed.note_version) == (note, 2)
    assert first.routing_key == "test_note.written.v1"
    assert (first.message_id, first.content_type) == (str(written.id), "application/json")
    assert first.headers["X-Request-ID"] == "request-7"
    # By it the log of the relay is found again, too.
    told = next(each for each in caplog.records if str(written.id) in each.message)
    assert vars(told)["request_id"] == "request-7"


async def test_what_is_repeated_or_refused_is_not_told(
    data_api: TestClient, sessions: Sessions
) -> None:
    path = f"{PATH}/{write(data_api)}"
    assert data_api.put(path, json=BODY).status_code == 200
    assert data_api.put(path, json=BODY | {"text": ""}).status_code == 422
    assert data_api.put(f"{PATH}/{uuid4()}/closed").status_code == 404
    assert await waiting(sessions) == 1


async def test_while_the_broker_is_away_events_wait(
    data_api: TestClient, sessions: Sessions, rabbit: RabbitSettings
) -> None:
    write(data_api)

    async def breaks_off(_: Outgoing) -> None:
        raise Unavailable("The broker is away.")

    with pytest.raises(Unavailable):
        await publish_batch(sessions, breaks_off, 100)
    assert await waiting(sessions) == 1
    assert await relayed(sessions, rabbit) == 1


async def test_one_that_is_refused_stays_and_those_behind_it_pass(
    data_api: TestClient, sessions: Sessions
) -> None:
    for _ in range(3):
        write(data_api)
    async with sessions() as session:
        ids = (await session.scalars(select(OutboxRow.id).order_by(OutboxRow.sequence))).all()

    async def refuses_the_second(message: Outgoing) -> None:
        if message.id == ids[1]:
            raise Unavailable("The broker did not take it.")

    for _ in range(2):
        with pytest.raises(Unavailable):
            await publish_batch(sessions, refuses_the_second, 100)
        async with sessions() as session:
            assert (await session.scalars(select(OutboxRow.id))).all() == [ids[1]]


async def test_a_broker_may_take_longer_than_a_transaction_may_be_idle(
    data_api: TestClient, engine: AsyncEngine
) -> None:
    write(data_api)
    limits = {"server_settings": {"idle_in_transaction_session_timeout": "1000"}}
    impatient = create_async_engine(engine.url, connect_args=limits)

    async def slow(_: Outgoing) -> None:
        await asyncio.sleep(2.5)

    try:
        sessions = async_sessionmaker(impatient, expire_on_commit=False)
        while await publish_batch(sessions, slow, 100):
            pass
        assert await waiting(sessions) == 0
    finally:
        await impatient.dispose()


async def test_a_table_that_changes_stops_no_relay(
    data_api: TestClient, engine: AsyncEngine, sessions: Sessions
) -> None:
    stop, settings = asyncio.Event(), OutboxSettings(poll_seconds=0.05, retry_seconds=0.05)
    change = text("ALTER TABLE outbox ALTER routing_key TYPE varchar(101)")
    back = text("ALTER TABLE outbox ALTER routing_key TYPE varchar(100)")

    @asynccontextmanager
    async def broker() -> AsyncIterator[Publish]:
        async def takes(_: Outgoing) -> None: ...

        yield takes

    async def until_none_waits() -> None:
        for _ in range(200):
            if not await waiting(sessions):
                return
            await asyncio.sleep(0.05)
        pytest.fail("The event was not published within 10 seconds.")

    publish = partial(publish_batch, sessions, batch=100)
    relay = asyncio.create_task(relay_until(stop, settings, broker, publish))
    try:
        # The second time it has its statements prepared for the table as it was.
        for statement in (None, change, back):
            if statement is not None:
                async with engine.begin() as connection:
                    await connection.execute(statement)
            write(data_api)
            await until_none_waits()
    finally:
        stop.set()
        await relay
        await engine.dispose()  # its other connections still have the old statements


async def test_an_exchange_of_another_kind_is_said(
    rabbit: RabbitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.publisher.EXCHANGE", "amq.fanout")
    with pytest.raises(Unavailable, match="RabbitMQ has no exchange"):
        async with publisher(rabbit, "test"):
            raise AssertionError


async def test_of_two_relays_one_waits(data_api: TestClient, sessions: Sessions) -> None:
    write(data_api)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: Outgoing) -> None:
        entered.set()
        await leave.wait()

    first = asyncio.create_task(publish_batch(sessions, slow, 100))
    await asyncio.wait_for(entered.wait(), 5)
    assert await publish_batch(sessions, slow, 100) == 0
    leave.set()
    assert await first == 1


async def test_a_batch_is_as_large_as_is_said(
    data_api: TestClient, sessions: Sessions, rabbit: RabbitSettings
) -> None:
    for _ in range(3):
        write(data_api)
    assert [await relayed(sessions, rabbit, 2) for _ in range(3)] == [2, 1, 0]

"""A reader on a real RabbitMQ: each event has its effect once, or waits, or is dead-lettered."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import aio_pika
import pytest

from chassis.errors import BadGateway, Unavailable
from contracts.base import Contract
from contracts.events import Event
from messaging.dead_letters.queue import dead_letters, reason_of
from messaging.publisher import Outgoing, connect, publisher
from messaging.reader import (
    DEAD_SINCE,
    DELIVERIES,
    REASON,
    Reader,
    ReaderSettings,
    Rejected,
    make_broker,
)
from messaging.settings import RabbitSettings

QUICK = ReaderSettings(concurrency=50, retry_seconds=(0.1, 0.2))


class Pot(Contract):
    """A part of an event, of which more may be known later."""

    litres: int = 1


class TeaBrewed(Event):
    """Tea was brewed."""

    type: str = "tea.brewed"
    version: int = 1
    pot: Pot = Pot()


class Kitchen:
    """A handler that does what the test says, and counts."""

    def __init__(self) -> None:
        self.seen: Counter[UUID] = Counter()
        self.failures: dict[UUID, list[Exception]] = {}
        self._changed = asyncio.Condition()

    async def until(self, check: Callable[[], object]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(check)

    async def handle(self, event: TeaBrewed) -> None:
        async with self._changed:
            self.seen[event.id] += 1
            self._changed.notify_all()
        if failures := self.failures.get(event.id):
            raise failures.pop(0)


@asynccontextmanager
async def reading(rabbit: RabbitSettings, name: str, kitchen: Kitchen) -> AsyncIterator[None]:
    broker, mover = make_broker(rabbit, name), make_broker(rabbit, f"{name} moves")
    reader = Reader(broker, mover, name, TeaBrewed, kitchen.handle, QUICK)
    await mover.connect()
    await broker.connect()
    await reader.declare()
    await broker.start()
    try:
        yield
    finally:
        reader.is_stopping = True
        await broker.stop()
        await mover.stop()


async def brew(rabbit: RabbitSettings, *events: TeaBrewed | bytes) -> None:
    async with publisher(rabbit, "test") as publish:
        for event in events:
            body = event.decode() if isinstance(event, bytes) else event.model_dump_json()
            id_ = uuid4() if isinstance(event, bytes) else event.id
            await publish(Outgoing(id_, TeaBrewed.routing_key(), body))


async def dead(rabbit: RabbitSettings, name: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
    async with await connect(rabbit, "test") as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"{name}.dead")
        found = []
        while message := await queue.get(no_ack=True, fail=False):
            found.append(message)
        return found


async def test_an_event_is_handled_once(rabbit: RabbitSettings) -> None:
    kitchen, event = Kitchen(), TeaBrewed()
    async with reading(rabbit, "once", kitchen):
        await brew(rabbit, event)
        await kitchen.until(lambda: kitchen.seen)
        await asyncio.sleep(0.5)
    assert kitchen.seen == {event.id: 1}
    assert await dead(rabbit, "once") == []


async def test_what_passes_is_tried_until_it_has_passed(rabbit: RabbitSettings) -> None:
    kitchen, event = Kitchen(), TeaBrewed()
    kitchen.failures[event.id] = [Unavailable("The kettle is away.") for _ in range(6)]
    async with reading(rabbit, "passing", kitchen):
        await brew(rabbit, event)
        await kitchen.until(lambda: kitchen.seen[event.id] == 7)
        await asyncio.sleep(0.3)
    assert kitchen.seen[event.id] == 7
    assert await dead(rabbit, "passing") == []


async def test_what_always_fails_is_dead_lettered_with_the_reason(rabbit: RabbitSettings) -> None:
    kitchen, event, other = Kitchen(), TeaBrewed(), TeaBrewed()
    kitchen.failures[event.id] = [KeyError("leaf") for _ in range(9)]
    kitchen.failures[other.id] = [Rejected("There is no such tea.")]
    async with reading(rabbit, "failing", kitchen):
        await brew(rabbit, event, other, b"[]", b"no JSON")
        await kitchen.until(lambda: kitchen.seen[event.id] == 3)
        await asyncio.sleep(0.5)
    found = {str(message.headers[REASON]): message for message in await dead(rabbit, "failing")}
    assert len(found) == 4
    assert kitchen.seen[event.id] == 3
    assert kitchen.seen[other.id] == 1
    assert "3 attempts failed: KeyError('leaf')" in found
    rejected = found["There is no such tea."]
    assert rejected.message_id == str(other.id)
    assert rejected.body == other.model_dump_json().encode()
    assert str(rejected.headers[DEAD_SINCE]).startswith("20")
    assert sum("It is no TeaBrewed" in reason for reason in found) == 2


async def test_what_passes_does_not_count_as_a_failure(rabbit: RabbitSettings) -> None:
    kitchen, event = Kitchen(), TeaBrewed()
    away = [Unavailable("The kettle is away.") for _ in range(4)]
    kitchen.failures[event.id] = [*away, KeyError("leaf"), KeyError("leaf")]
    async with reading(rabbit, "counted", kitchen):
        await brew(rabbit, event)
        await kitchen.until(lambda: kitchen.seen[event.id] == 7)
        await asyncio.sleep(0.3)
    assert await dead(rabbit, "counted") == []


async def test_wrong_answers_of_another_service_are_borne_for_long(
    rabbit: RabbitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.reader.MAX_BAD_ANSWERS", 5)
    kitchen, event, other = Kitchen(), TeaBrewed(), TeaBrewed()
    kitchen.failures[event.id] = [BadGateway("The kettle whistles.") for _ in range(4)]
    kitchen.failures[other.id] = [BadGateway("The kettle whistles.") for _ in range(5)]
    async with reading(rabbit, "borne", kitchen):
        await brew(rabbit, event, other)
        await kitchen.until(lambda: kitchen.seen == {event.id: 5, other.id: 5})
        await asyncio.sleep(0.3)
    (found,) = await dead(rabbit, "borne")
    assert found.message_id == str(other.id)
    assert found.headers[REASON] == "5 attempts failed: The kettle whistles."


async def test_fields_that_are_not_known_are_left_out(rabbit: RabbitSettings) -> None:
    kitchen, event = Kitchen(), TeaBrewed()
    newer = event.model_dump(mode="json") | {"sugar": 2, "pot": {"litres": 1, "colour": "blue"}}
    async with reading(rabbit, "newer", kitchen):
        await brew(rabbit, json.dumps(newer).encode())
        await kitchen.until(lambda: kitchen.seen == {event.id: 1})


async def test_a_queue_that_somebody_deleted_is_declared_anew(
    rabbit: RabbitSettings, caplog: pytest.LogCaptureFixture
) -> None:
    kitchen, event = Kitchen(), TeaBrewed()
    kitchen.failures[event.id] = [Unavailable("The kettle is away.")]
    async with reading(rabbit, "nowhere", kitchen):
        async with await connect(rabbit, "somebody") as connection:
            channel = await connection.channel()
            await channel.queue_delete("nowhere.retry.0.1s")
        await brew(rabbit, event)
        await kitchen.until(lambda: kitchen.seen[event.id] == 2)
    assert "cannot be moved to nowhere.retry.0.1s" in caplog.text
    # To give it back would count as a delivery, of which there are only so many.
    assert "stays where it is" not in caplog.text


async def test_what_was_dead_lettered_is_shown_and_put_back(rabbit: RabbitSettings) -> None:
    kitchen, events = Kitchen(), [TeaBrewed() for _ in range(3)]
    kitchen.failures = {event.id: [Rejected("No water.")] for event in events}
    async with reading(rabbit, "aside", kitchen):
        await brew(rabbit, *events)
        await kitchen.until(lambda: len(kitchen.seen) == 3)
    ids = [str(event.id) for event in events]
    for _ in range(25):  # more often than a quorum queue lets a message be delivered by itself
        shown: list[tuple[str, str]] = []
        # The broker puts back what was looked at some time after the connection is closed.
        async with asyncio.timeout(10):
            while len(shown) < len(ids):
                shown = [each async for each in dead_letters(rabbit, "aside", 10, requeue=False)]
        assert sorted(shown) == sorted((id_, "No water.") for id_ in ids)
    put_back: list[tuple[str, str]] = []
    async with asyncio.timeout(10):
        while len(put_back) < 2:
            limit = 2 - len(put_back)
            put_back += [each async for each in dead_letters(rabbit, "aside", limit, requeue=True)]
    async with reading(rabbit, "aside", kitchen):
        await kitchen.until(lambda: kitchen.seen.total() == 5)
    left = [id_ async for id_, _ in dead_letters(rabbit, "aside", 10, requeue=False)]
    assert sorted([*left, *(id_ for id_, _ in put_back)]) == sorted(ids)
    with pytest.raises(LookupError, match="There is no queue no-such"):
        await anext(dead_letters(rabbit, "no-such", 1, requeue=False))


async def test_a_message_at_which_processes_die_is_dead_lettered(rabbit: RabbitSettings) -> None:
    async with reading(rabbit, "deadly", Kitchen()):
        pass
    event = TeaBrewed()
    await brew(rabbit, event)
    for _ in range(DELIVERIES + 1):
        async with await connect(rabbit, "dies") as connection:
            queue = await (await connection.channel()).get_queue("deadly")
            assert await queue.get(timeout=5)
    await asyncio.sleep(0.5)
    (found,) = [each async for each in dead_letters(rabbit, "deadly", 10, requeue=False)]
    assert found == (str(event.id), reason_of({}))


async def test_a_reader_that_stops_finishes_what_it_has_begun(rabbit: RabbitSettings) -> None:
    begun, events = asyncio.Event(), [TeaBrewed() for _ in range(3)]
    done: set[UUID] = set()

    class Slow(Kitchen):
        async def handle(self, event: TeaBrewed) -> None:
            begun.set()
            await asyncio.sleep(0.5)
            done.add(event.id)

    async with reading(rabbit, "slow", Slow()):
        await brew(rabbit, *events)
        await asyncio.wait_for(begun.wait(), 5)
    first = set(done)
    kitchen = Kitchen()
    async with reading(rabbit, "slow", kitchen):
        await asyncio.sleep(1)
    assert first
    assert first | kitchen.seen.keys() == {event.id for event in events}
    assert not first & kitchen.seen.keys()

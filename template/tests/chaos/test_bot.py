"""Broker and bot are killed in the middle of notices: everybody is notified of every note."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from business_bot.testing import TOKEN, FakeTelegram
from chassis.errors import Unavailable
from chassis.testing import new_key
from messaging.publisher import Outgoing, publisher
from messaging.reader import ReaderSettings
from tests.chaos.broker import Broker
from tests.notes.event_contracts import NoteWritten

EVENTS = 200
PEOPLE = (1001, 1002)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


class Bot:
    """The bot as a process."""

    def __init__(self, broker: Broker, telegram: FakeTelegram) -> None:
        self._environment = os.environ | {
            "RABBITMQ_HOST": broker.settings.host,
            "RABBITMQ_PORT": str(broker.settings.port),
            "RABBITMQ_PASSWORD": "test",
            "READER_RETRY_SECONDS": "[0.2, 0.5]",
            "CLIENT_BREAKER_OPEN_SECONDS": "1",
            "BOT_TOKEN": TOKEN,
            "BOT_USERS": f"[{', '.join(map(str, PEOPLE))}]",
            "BOT_API_URL": telegram.url,
            "BOT_WEBHOOK_URL": "",
            "SERVICE_PRIVATE_KEY": new_key()[0],
            "METRICS_PORT": "0",
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.chaos.note_bot"]
        self.process = subprocess.Popen(command, env=self._environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def written(note: str) -> Outgoing:
    event = NoteWritten(note_id=UUID(note), note_version=1)
    return Outgoing(event.id, event.routing_key(), event.model_dump_json())


def notified(telegram: FakeTelegram, notes: list[str]) -> Counter[tuple[int, str]]:
    """How often each person was notified of each note."""
    wanted = set(notes)
    return Counter(
        (said.chat, note) for said in telegram.said if (note := said.text.split()[1]) in wanted
    )


async def publish(broker: Broker, notes: list[str]) -> None:
    """Publish until the broker has all, as a relay does: what it did not confirm comes again."""
    events = [written(note) for note in notes]
    async with asyncio.timeout(90):
        while events:
            with suppress(Unavailable):
                async with publisher(broker.settings, "test") as send:
                    while events:
                        await send(events[0])
                        await send(events.pop(0))
            await asyncio.sleep(0.2)


async def test_everybody_is_notified_whatever_is_killed(
    broker: Broker, telegram: FakeTelegram
) -> None:
    bot = Bot(broker, telegram)
    notes = [str(uuid4()) for _ in range(EVENTS)]
    first = [str(uuid4())]
    everything = {(person, note) for person in PEOPLE for note in notes}

    async def until_more(count: int) -> None:
        await telegram.until(lambda: len(notified(telegram, notes)) > count, 60)

    try:
        # The queues are there when the first note comes through.
        while not notified(telegram, first):
            await publish(broker, first)
            await asyncio.sleep(0.5)
        container = broker.container.get_wrapped_container()
        async with asyncio.TaskGroup() as group:
            group.create_task(publish(broker, notes[: EVENTS // 2]))
            await until_more(20)
            container.kill()
            container.start()
        await until_more(EVENTS - 1)

        telegram.fail("sendMessage", 502, "Bad Gateway", 10)
        async with asyncio.TaskGroup() as group:
            group.create_task(publish(broker, notes[EVENTS // 2 :]))
            await until_more(EVENTS + 20)
            bot.kill()
            bot.start()
        await until_more(2 * EVENTS - 1)
        await asyncio.sleep(2)  # nothing comes after that
    finally:
        bot.kill()
    found = notified(telegram, notes)
    assert found.keys() == everything
    # What it was telling when one of them was killed, it may tell once more, and nothing else.
    again = [each for each, times in found.items() if times > 1]
    assert len(again) <= 2 * ReaderSettings().prefetch * len(PEOPLE)
    assert max(found.values()) <= 3

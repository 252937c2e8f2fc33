"""The relay retries until it is stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from chassis.errors import Unavailable
from data_postgres_api.outbox.relay import relay_until
from data_postgres_api.outbox.settings import OutboxSettings
from messaging.publisher import Outgoing, Publish

AT_ONCE = OutboxSettings(poll_seconds=0.001, retry_seconds=0.001)


class Broker:
    """A broker that is away at first, and breaks off once."""

    def __init__(self) -> None:
        self.connections = 0
        self.published: list[Outgoing] = []

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Publish]:
        self.connections += 1
        if self.connections == 1:
            raise Unavailable("The broker cannot be reached.")

        async def publish(message: Outgoing) -> None:
            if self.connections == 2:
                raise Unavailable("The broker broke off.")
            self.published.append(message)

        yield publish


async def test_the_relay_tries_until_it_has_published(caplog: pytest.LogCaptureFixture) -> None:
    broker, stop = Broker(), asyncio.Event()
    waiting = [Outgoing(uuid4(), "parcel.sent.v1", "{}") for _ in range(3)]

    async def publish_one(publish: Publish) -> int:
        if not waiting:
            stop.set()
            return 0
        await publish(waiting[0])
        waiting.pop(0)
        return 1

    expected = list(waiting)
    await asyncio.wait_for(relay_until(stop, AT_ONCE, broker.connect, publish_one), 5)
    assert broker.published == expected
    assert broker.connections == 3
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "nothing is published: The broker cannot be reached.",
        "nothing is published: The broker broke off.",
    ]


async def test_the_relay_ends_when_it_is_told_to_while_the_broker_is_away() -> None:
    stop = asyncio.Event()

    @asynccontextmanager
    async def nowhere() -> AsyncIterator[Publish]:
        stop.set()
        raise Unavailable("The broker cannot be reached.")
        yield

    async def never(_: Publish) -> int:
        raise AssertionError

    slow = OutboxSettings(retry_seconds=60)
    await asyncio.wait_for(relay_until(stop, slow, nowhere, never), 5)

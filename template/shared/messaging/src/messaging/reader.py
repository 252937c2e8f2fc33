"""Reads events from a queue: what fails is tried again, what can never work is dead-lettered.

A message is acknowledged when its effect is there, or when a copy of it waits in another queue; a
process that is killed in between leaves it where it was. What is tried again waits in a queue whose
messages go back when their time is over, so that no worker holds them meanwhile. What is given up
is in the dead-letter queue, with the reason, until somebody puts it back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, cast

import aio_pika
from faststream import AckPolicy, StreamMessage
from faststream.rabbit import (
    Channel,
    ExchangeType,
    QueueType,
    RabbitBroker,
    RabbitExchange,
    RabbitMessage,
    RabbitQueue,
)
from faststream.rabbit.schemas.queue import QuorumQueueArgs
from faststream.rabbit.utils import RabbitClientProperties
from faststream.security import SASLPlaintext
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.errors import BadGateway, ServiceError, TooSlow, Unavailable
from contracts.events import EXCHANGE, Event
from messaging.publisher import UNREACHABLE
from messaging.settings import RabbitSettings

log = logging.getLogger(__name__)

ATTEMPT = "x-attempt"
FAILURES = "x-failures"
BAD_ANSWERS = "x-bad-answers"
REASON = "x-reason"
DEAD_SINCE = "x-dead-since"
# What lies with others and passes: such a message is never dead-lettered, however long it takes.
PASSING = (Unavailable, TooSlow, ConnectionError, TimeoutError)
MAX_REASON = 1000
DELIVERIES = 20
# About an hour: another service that answers wrongly is most often mended, but it may be that one
# message is what it cannot take.
MAX_BAD_ANSWERS = 60
MOVE_SECONDS = 10
PAUSE_SECONDS = 1


class ReaderSettings(BaseSettings):
    """How many messages of a queue a process takes, how many it works on at once, and when again.

    `retry_seconds` are the pauses before each further attempt, as JSON: "[1, 10, 60]". Whoever is
    told to stop finishes what it has begun within `drain_seconds`.
    """

    model_config = SettingsConfigDict(env_prefix="READER_")

    prefetch: int = Field(default=10, ge=1, le=65_535)
    concurrency: int = Field(default=10, ge=1)
    drain_seconds: float = Field(default=25, gt=0)
    retry_seconds: tuple[Annotated[float, Field(gt=0, le=86_400)], ...] = Field(
        default=(1, 10, 60), min_length=1
    )


class Outcome(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    RETRIED = "retried"
    DEAD_LETTERED = "dead-lettered"


@dataclass
class Delivery:
    """One attempt at a message, for what watches over it; `outcome` is known when it has ended."""

    queue: str
    event: str
    message_id: str | None
    sent_at: datetime | None
    headers: dict[str, str]
    outcome: Outcome | None = field(default=None)


Around = Callable[[Delivery], AbstractContextManager[object]]
"""Is entered before an attempt and left after it: logs, metrics, traces."""


class Rejected(Exception):
    """Raised by a handler for what can never work; the text is the reason."""


@dataclass(frozen=True)
class Queues:
    """The queues of one reader, by the name of the first."""

    name: str
    retry_seconds: tuple[float, ...]

    @property
    def dead(self) -> str:
        return f"{self.name}.dead"

    def later(self, attempt: int) -> str:
        """Where a message waits after so many attempts; the last wait is the longest."""
        seconds = self.retry_seconds[min(attempt, len(self.retry_seconds)) - 1]
        return f"{self.name}.retry.{seconds:g}s"

    def first(self, routing_key: str) -> RabbitQueue:
        """The queue that a handler reads, bound by a routing key.

        RabbitMQ itself dead-letters a message during which the process died again and again.
        """
        arguments = _moves_to(self.dead) | {"x-delivery-limit": DELIVERIES}
        return _queue(self.name, arguments, routing_key)

    def all_but_the_first(self) -> list[RabbitQueue]:
        """The queues that no handler reads."""
        waiting = [
            _queue(
                self.later(number), _moves_to(self.name) | {"x-message-ttl": int(seconds * 1000)}
            )
            for number, seconds in enumerate(self.retry_seconds, start=1)
        ]
        # To look at a message is a delivery, too.
        return [*waiting, _queue(self.dead, {"x-delivery-limit": -1})]


def _queue(name: str, arguments: dict[str, Any], routing_key: str = "") -> RabbitQueue:
    found: RabbitQueue = RabbitQueue(
        name,
        queue_type=QueueType.QUORUM,
        durable=True,
        arguments=cast(QuorumQueueArgs, arguments),
        routing_key=routing_key,
    )
    return found


def _moves_to(queue: str) -> dict[str, Any]:
    """Return the arguments of a queue whose messages end in another one."""
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        # Not lost on the way either, which RabbitMQ promises only for this pair.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def make_broker(rabbit: RabbitSettings, name: str, drain_seconds: float = 25) -> RabbitBroker:
    """Return FastStream's broker, which comes back by itself when RabbitMQ does.

    A message that no queue takes raises, as does one that the broker refuses.
    """
    return RabbitBroker(
        default_channel=Channel(on_return_raises=True),
        graceful_timeout=drain_seconds,
        host=rabbit.host,
        port=rabbit.port,
        security=SASLPlaintext(rabbit.user, rabbit.password.get_secret_value()),
        client_properties=cast(RabbitClientProperties, {"connection_name": name}),
        timeout=rabbit.timeout_seconds,
        reconnect_interval=1,
        app_id=name,
        logger=None,
    )


@dataclass(frozen=True)
class Subscription[E: Event]:
    """Which events go to which handler; `queue` is the end of the name of the queue between."""

    queue: str
    event: type[E]
    handle: Callable[[E], Awaitable[None]]


class Reader[E: Event]:
    """Gives each event of a kind to a handler, and decides what becomes of its message."""

    def __init__(
        self,
        broker: RabbitBroker,
        mover: RabbitBroker,
        name: str,
        event: type[E],
        handle: Callable[[E], Awaitable[None]],
        settings: ReaderSettings,
        around: Sequence[Around] = (),
    ) -> None:
        self._broker = broker
        # On a connection of its own: from one that publishes a full broker reads nothing, not even
        # that a message was read.
        self._mover = mover
        self._event = event
        self._handle = handle
        self._around = around
        self._slots = asyncio.Semaphore(settings.concurrency)
        self.is_stopping = False
        self.queues = Queues(name, settings.retry_seconds)
        self._attempts = len(settings.retry_seconds) + 1
        subscribe = broker.subscriber(
            self.queues.first(event.routing_key()),
            RabbitExchange(EXCHANGE, type=ExchangeType.TOPIC, durable=True),
            channel=Channel(prefetch_count=settings.prefetch, on_return_raises=True),
            ack_policy=AckPolicy.MANUAL,
            # FastStream would stop at what is no JSON, and leave it where it is.
            decoder=_as_it_is,
            no_reply=True,
        )
        subscribe(self._read)

    async def declare(self) -> None:
        """Declare the queues that nobody reads; call it before the broker is started."""
        for queue in self.queues.all_but_the_first():
            known = await self._broker.declare_queue(queue)
            # FastStream declares a queue once; somebody may have deleted it since.
            await known.declare()

    async def _read(self, message: RabbitMessage) -> None:
        headers = {key: value for key, value in message.headers.items() if isinstance(value, str)}
        delivery = Delivery(
            queue=self.queues.name,
            event=self._event.routing_key(),
            message_id=message.message_id,
            sent_at=message.raw_message.timestamp,
            headers=headers,
        )
        async with self._slots:
            if self.is_stopping:
                await message.nack(requeue=True)
                return
            with ExitStack() as stack:
                for around in self._around:
                    stack.enter_context(around(delivery))
                await self._read_on(message, delivery)

    async def _read_on(self, message: RabbitMessage, delivery: Delivery) -> None:
        try:
            delivery.outcome = await self._try(message)
        except Exception:
            # It could not be moved to where it belongs: it stays, and comes again.
            log.exception("%s stays where it is", self._what(message))
            await asyncio.sleep(PAUSE_SECONDS)
            with suppress(*UNREACHABLE):
                await message.nack(requeue=True)

    async def _try(self, message: RabbitMessage) -> Outcome:
        try:
            # New fields are no error, at any depth: whoever publishes may be newer.
            event = self._event.model_validate_json(message.body, extra="ignore")
        except ValidationError as error:
            return await self._dead_letter(message, f"It is no {self._event.__name__}: {error}")
        try:
            await self._handle(event)
        except Rejected as error:
            return await self._dead_letter(message, str(error))
        except PASSING as error:
            return await self._try_later(message, error)
        except BadGateway as error:
            return await self._try_some_times(message, error, BAD_ANSWERS, MAX_BAD_ANSWERS)
        except Exception as error:
            # A mistake in the code may be one that only this message provokes.
            log.exception("%s failed", self._what(message))
            return await self._try_some_times(message, error, FAILURES, self._attempts)
        await message.ack()
        return Outcome.DONE

    def _what(self, message: RabbitMessage) -> str:
        return f"{self._event.routing_key()} {message.message_id}"

    async def _try_some_times(
        self, message: RabbitMessage, error: Exception, header: str, at_most: int
    ) -> Outcome:
        """Try again later, unless `at_most` attempts have ended so; `header` counts them."""
        times = _number(message, header) + 1
        if times < at_most:
            return await self._try_later(message, error, {header: times})
        return await self._dead_letter(message, f"{times} attempts failed: {_said(error)}")

    async def _try_later(
        self, message: RabbitMessage, error: Exception, counted: Mapping[str, int] | None = None
    ) -> Outcome:
        attempt = max(1, _number(message, ATTEMPT))
        where = self.queues.later(attempt)
        log.warning("%s waits in %s: %s", self._what(message), where, _said(error))
        await self._move(message, where, {ATTEMPT: attempt + 1, **(counted or {})})
        return Outcome.RETRIED

    async def _dead_letter(self, message: RabbitMessage, reason: str) -> Outcome:
        log.error("%s is dead-lettered: %s", self._what(message), reason)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        headers: dict[str, str | int] = {REASON: reason[:MAX_REASON], DEAD_SINCE: since}
        await self._move(message, self.queues.dead, headers)
        return Outcome.DEAD_LETTERED

    async def _move(
        self, message: RabbitMessage, queue: str, headers: dict[str, str | int]
    ) -> None:
        """Acknowledge a message once a copy of it is in another queue.

        Until the broker takes the copy, the message is held: to give it back counts as a delivery,
        of which there are only so many.
        """
        raw = message.raw_message
        copy = aio_pika.Message(
            message.body,
            content_type=raw.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=raw.message_id,
            timestamp=raw.timestamp,
            headers={**raw.headers, **headers},
        )
        while True:
            try:
                await self._mover.publish(copy, queue, mandatory=True, timeout=MOVE_SECONDS)
                break
            except UNREACHABLE as error:
                # On a connection that was lost it is nobody's any more, and comes again by itself.
                if self.is_stopping or raw.channel.is_closed:
                    raise
                log.warning("%s cannot be moved to %s: %r", self._what(message), queue, error)
                await asyncio.sleep(PAUSE_SECONDS)
                with suppress(*UNREACHABLE):
                    async with asyncio.timeout(MOVE_SECONDS):
                        await self.declare()
        await message.ack()


async def _as_it_is(message: StreamMessage[Any]) -> bytes:
    return message.body


def _number(message: RabbitMessage, header: str) -> int:
    """Return the number in a header, 0 when there is none."""
    try:
        return max(0, int(message.headers.get(header, 0)))
    except (TypeError, ValueError):
        return 0


def _said(error: Exception) -> str:
    return error.detail if isinstance(error, ServiceError) else repr(error)

"""What keeps one service's trouble from becoming another's: breaker, bulkhead and retries."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

import stamina
from prometheus_client import Counter, Gauge
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from stamina.instrumentation import LoggingOnRetryHook, PrometheusOnRetryHook, set_on_retry_hooks

from chassis.deadline import seconds_left
from chassis.errors import BadGateway, ServiceError, TooSlow, Unavailable

log = logging.getLogger(__name__)

# Where structlog is installed, its default would print past the formatter that all lines share.
set_on_retry_hooks([LoggingOnRetryHook, PrometheusOnRetryHook])

# By RFC 9110, to repeat these has the effect of doing them once.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
# What says that the other service is in trouble, and not that the request was wrong.
TROUBLE = (Unavailable, TooSlow, BadGateway)

STATE = Gauge(
    "circuit_breaker_state",
    "The breaker before a service: 0 closed, 1 half open, 2 open.",
    ["service"],
    multiprocess_mode="livemax",
)
RETRIES = Counter("service_client_retries_total", "Calls that were made again.", ["service"])
REFUSED = Counter(
    "service_client_refused_total",
    "Calls that were not made, because the breaker was open or the bulkhead full.",
    ["service", "reason"],
)


class Refused(Unavailable):
    """The call was not made at all."""


def _is_worth_another_try(error: Exception) -> bool:
    return isinstance(error, TROUBLE) and not isinstance(error, Refused)


class ResilienceSettings(BaseSettings):
    """When calls to other services are given up; times are seconds."""

    model_config = SettingsConfigDict(env_prefix="CLIENT_")

    breaker_failures: int = Field(default=5, ge=1)
    breaker_open_seconds: float = Field(default=5, gt=0)
    bulkhead_calls: int = Field(default=100, ge=1)
    bulkhead_wait_seconds: float = Field(default=0.5, ge=0)
    retry_attempts: int = Field(default=3, ge=1)


class State(StrEnum):
    """Closed: calls go through. Open: none does. Half open: one does, to see how it ends."""

    CLOSED = "closed"
    HALF_OPEN = "half open"
    OPEN = "open"


_NUMBERS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class CircuitBreaker:
    """Opens after `failures` failures in a row, and lets one probe through every `open_seconds`."""

    def __init__(
        self,
        service: str,
        failures: int,
        open_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._failures = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._failed = 0
        self._opened_at = 0.0
        self.state = State.CLOSED
        STATE.labels(service).set(0)

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Make one call inside; raise `Unavailable` at once while the breaker is open."""
        if self.state is State.OPEN and self._clock() - self._opened_at >= self._open_seconds:
            self._become(State.HALF_OPEN)
        elif self.state is not State.CLOSED:
            REFUSED.labels(self._service, "breaker").inc()
            raise Refused(f"The {self._service} is in trouble; it is asked again in a moment.")
        is_probe = self._is(State.HALF_OPEN)
        try:
            async with self.watch():
                yield
        finally:
            # A probe that was cancelled has told nothing, so another one has to be sent.
            if is_probe and self._is(State.HALF_OPEN):
                self._become(State.OPEN)

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Learn from the call that is made inside, whatever the state."""
        try:
            yield
        except TROUBLE:
            self._fail()
            raise
        except ServiceError:
            self._succeed()
            raise
        else:
            self._succeed()

    def _is(self, state: State) -> bool:
        return self.state is state

    def _succeed(self) -> None:
        self._failed = 0
        if self.state is not State.CLOSED:
            self._become(State.CLOSED)

    def _fail(self) -> None:
        self._failed += 1
        if self.state is State.HALF_OPEN or (
            self.state is State.CLOSED and self._failed >= self._failures
        ):
            self._opened_at = self._clock()
            self._become(State.OPEN)

    def _become(self, state: State) -> None:
        level = logging.WARNING if state is State.OPEN else logging.INFO
        log.log(level, "the breaker before the %s is %s", self._service, state)
        self.state = state
        STATE.labels(self._service).set(_NUMBERS[state])


class Resilience:
    """Makes calls to one service: not too many at once, not while it is down, and once more."""

    def __init__(self, service: str, settings: ResilienceSettings) -> None:
        self._service = service
        self._settings = settings
        self.breaker = CircuitBreaker(
            service, settings.breaker_failures, settings.breaker_open_seconds
        )
        self._bulkhead = asyncio.Semaphore(settings.bulkhead_calls)
        # Shown before they count: a rate does not see where a series begins.
        RETRIES.labels(service)
        for reason in ("breaker", "bulkhead"):
            REFUSED.labels(service, reason)

    async def run[Answer](self, method: str, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make the call; one that changes nothing when repeated is repeated, with jitter."""
        attempts = self._settings.retry_attempts if method in IDEMPOTENT else 1
        try:
            return await self._attempt(call)
        except TROUBLE as error:
            if attempts == 1 or not _is_worth_another_try(error):
                raise
            first = error
        # Most calls never come here, and what decides about retries costs more than a call.
        async for attempt in stamina.retry_context(
            on=_is_worth_another_try,
            attempts=attempts,
            timeout=seconds_left(),
            wait_initial=0.05,
            wait_max=0.5,
            wait_jitter=0.1,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                RETRIES.labels(self._service).inc()
                return await self._attempt(call)
        raise AssertionError("stamina ends with an answer or an error")

    async def _attempt[Answer](self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        async with self._place(), self.breaker.call():
            return await call()

    async def probe[Answer](self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call that has to tell how things are: once, and the breaker learns from it."""
        async with self.breaker.watch():
            return await call()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Hold one of the places that calls to this service have, so that others keep theirs."""
        if self._bulkhead.locked():
            try:
                async with asyncio.timeout(self._settings.bulkhead_wait_seconds):
                    await self._bulkhead.acquire()
            except TimeoutError:
                REFUSED.labels(self._service, "bulkhead").inc()
                raise Refused(f"Too many calls to the {self._service} are under way.") from None
        else:
            await self._bulkhead.acquire()
        try:
            yield
        finally:
            self._bulkhead.release()

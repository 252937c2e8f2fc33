"""How long a request may still take, and how many may be under way: what nobody exceeds."""

import asyncio
import time
from contextvars import ContextVar

from fastapi import FastAPI
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import RETRY_AFTER_SECONDS, problem
from chassis.settings import read_settings

BUDGET_HEADER = "X-Request-Timeout-Ms"
# Who asks how the service is has to be told, most of all when there is too much to do.
ALWAYS_ANSWERED = frozenset({"/health", "/ready", "/metrics"})

_HEADER = BUDGET_HEADER.lower().encode()
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineSettings(BaseSettings):
    """How many seconds a request may take at most, and how many requests may be under way."""

    model_config = SettingsConfigDict(env_prefix="REQUEST_")

    timeout_seconds: float = Field(default=10, gt=0)
    # More than the calls that have a place, so that those who need none are still served.
    max_under_way: int = Field(default=150, ge=1)


class _CrowdMiddleware:
    """Refuses what is too much before any work is done for it.

    When all requests share what one process can do, each of them takes too long, and to refuse them
    after that has cost as much as an answer.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
        elif self._under_way >= self._limit:
            detail = "Too many requests are under way."
            answer = problem(503, detail, headers={"Retry-After": RETRY_AFTER_SECONDS})
            await answer(scope, receive, send)
        else:
            self._under_way += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._under_way -= 1


def seconds_left() -> float | None:
    """Return what is left of the current request's budget, None outside of requests."""
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def budget_headers() -> dict[str, str]:
    """Return the header that tells the next service how long its answer is waited for."""
    left = seconds_left()
    return {} if left is None else {BUDGET_HEADER: str(int(left * 1000))}


class _DeadlineMiddleware:
    def __init__(self, app: ASGIApp, timeout: float, trust: bool) -> None:
        self._app = app
        self._timeout = timeout
        self._trust = trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        timeout = min(self._timeout, _granted(scope)) if self._trust else self._timeout
        _deadline.set(time.monotonic() + timeout)
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(timeout) as limit:
                await self._app(scope, receive, watch)
        except TimeoutError:
            if started or not limit.expired():
                raise
            answer = problem(504, "The request took longer than it may.")
            await answer(scope, receive, send)


def _granted(scope: Scope) -> float:
    """Return the caller's budget in seconds; what is no number grants all there is."""
    given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
    return int(given) / 1000 if given.isdigit() and len(given) < 10 else float("inf")


def deadline(app: FastAPI) -> None:
    """End requests to `app` in time, and take no crowd; callers are strangers and not asked."""
    settings = read_settings(DeadlineSettings)
    app.add_middleware(_DeadlineMiddleware, timeout=settings.timeout_seconds, trust=False)
    app.add_middleware(_CrowdMiddleware, limit=settings.max_under_way)


def handed_on_deadline(app: FastAPI) -> None:
    """End requests to `app` when the calling service no longer waits for them."""
    settings = read_settings(DeadlineSettings)
    app.add_middleware(_DeadlineMiddleware, timeout=settings.timeout_seconds, trust=True)

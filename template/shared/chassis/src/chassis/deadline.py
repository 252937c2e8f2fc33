"""How long a request may still take: a budget that is handed on, and that nobody exceeds."""

import asyncio
import time
from contextvars import ContextVar

from fastapi import FastAPI
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import problem
from chassis.settings import read_settings

BUDGET_HEADER = "X-Request-Timeout-Ms"

_HEADER = BUDGET_HEADER.lower().encode()
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineSettings(BaseSettings):
    """How many seconds a request may take at most, whatever its caller grants."""

    model_config = SettingsConfigDict(env_prefix="REQUEST_")

    timeout_seconds: float = Field(default=10, gt=0)


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
    """End requests to `app` in time; callers are not asked, because they are strangers."""
    settings = read_settings(DeadlineSettings)
    app.add_middleware(_DeadlineMiddleware, timeout=settings.timeout_seconds, trust=False)


def handed_on_deadline(app: FastAPI) -> None:
    """End requests to `app` when the calling service no longer waits for them."""
    settings = read_settings(DeadlineSettings)
    app.add_middleware(_DeadlineMiddleware, timeout=settings.timeout_seconds, trust=True)

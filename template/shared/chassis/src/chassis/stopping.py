"""Goes on answering for a while after SIGTERM, so that callers can notice that a replica leaves.

Who stops a replica without telling those who ask it, as Docker Swarm does, first takes it out of
the DNS. Callers look there every few seconds; until then it answers them, each connection once.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from pydantic_settings import BaseSettings
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StoppingSettings(BaseSettings):
    """For how many seconds a replica that is to stop still answers; 0 where callers are told."""

    drain_seconds: float = 0


class _LastAnswers:
    """Closes each connection with its answer once the replica is to stop."""

    def __init__(self, app: ASGIApp, leaving: asyncio.Event) -> None:
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and self._leaving.is_set():
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_last)


def late_stop(app: FastAPI) -> None:
    """Let the service wait DRAIN_SECONDS before it stops."""
    seconds = StoppingSettings().drain_seconds
    if not seconds:
        return
    leaving = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = signal.getsignal(signal.SIGTERM)  # the server's own way to end
        loop = asyncio.get_running_loop()

        def leave() -> None:
            leaving.set()
            if callable(stop):
                loop.call_later(seconds, stop, signal.SIGTERM, None)

        loop.add_signal_handler(signal.SIGTERM, leave)
        yield

    app.add_middleware(_LastAnswers, leaving=leaving)
    app.include_router(APIRouter(lifespan=lifespan))

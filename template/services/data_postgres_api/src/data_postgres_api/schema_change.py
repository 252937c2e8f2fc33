"""Repeats a request whose prepared statement was invalidated by a migration.

PostgreSQL refuses a prepared statement when a migration has changed the type of its result
(SQLSTATE 0A000). The transaction has been rolled back and no response was sent, so the request can
safely run again.
"""

import logging
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

CHANGED = "schema_changed"


class SchemaChangeMiddleware:
    """Calls the application a second time if it set `request.state.schema_changed`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        read: list[Message] = []
        has_started = False

        async def reading() -> Message:
            message = await receive()
            read.append(message)
            return message

        async def sending(message: Message) -> None:
            nonlocal has_started
            if has_started or CHANGED not in state:
                has_started = True
                await send(message)

        await self._app(scope, reading, sending)
        if state.pop(CHANGED, None) is None or has_started:
            return
        log.info("a migration has changed the schema, so the request is repeated")
        again = iter(read)

        async def reading_again() -> Message:
            return next(again, None) or await receive()

        await self._app(scope, reading_again, send)


def outlives_schema_changes(app: FastAPI) -> None:
    """Let `app` repeat a request whose prepared statement is older than the schema."""
    app.add_middleware(SchemaChangeMiddleware)

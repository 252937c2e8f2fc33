"""A request that meets a change of the schema is answered once more, and not with an error.

PostgreSQL refuses a prepared statement whose result has another type since a migration (SQLSTATE
0A000). Its transaction is rolled back by then, and nothing was sent, so to begin anew is safe.
"""

import logging
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

CHANGED = "schema_changed"


class SchemaChangeMiddleware:
    """Calls the application again if it set `request.state.schema_changed`, and once at most."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        read: list[Message] = []

        async def reading() -> Message:
            message = await receive()
            read.append(message)
            return message

        async def sending(message: Message) -> None:
            if CHANGED not in state:
                await send(message)

        await self._app(scope, reading, sending)
        if CHANGED not in state:
            return
        del state[CHANGED]
        log.info("the schema has changed under a request, which is answered once more")
        again = iter(read)

        async def reading_again() -> Message:
            return next(again, None) or await receive()

        await self._app(scope, reading_again, send)


def outlives_schema_changes(app: FastAPI) -> None:
    """Let `app` repeat a request whose statements are older than the schema."""
    app.add_middleware(SchemaChangeMiddleware)

"""A limit on bodies that answers with a problem document; FastAPI's own answers in plain text."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import problem

MAX_BODY_BYTES = 200_000


class BodyLimitMiddleware:
    """Refuses a body of more than `limit` bytes with 413, before it is read as a whole."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = f"The body has more than {self._limit:,} bytes."
        size = next((int(v) for name, v in scope["headers"] if name == b"content-length"), 0)
        if size > self._limit:
            await problem(413, too_large)(scope, receive, send)
            return
        size = 0

        async def receive_within_limit() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise HTTPException(413, too_large)
            return message

        await self._app(scope, receive_within_limit, send)

"""A limit on bodies that answers with a problem document; FastAPI's own answers in plain text."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import problem

MAX_BODY_BYTES = 200_000


class BodyLimitMiddleware:
    """Refuses a body of more than `MAX_BODY_BYTES` with 413, before it is read as a whole."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = f"The body has more than {MAX_BODY_BYTES:,} bytes."
        announced = next((v for name, v in scope["headers"] if name == b"content-length"), b"0")
        if int(announced) > MAX_BODY_BYTES:
            await problem(413, too_large)(scope, receive, send)
            return
        size = 0

        async def receive_within_limit() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY_BYTES:
                raise HTTPException(413, too_large)
            return message

        await self._app(scope, receive_within_limit, send)

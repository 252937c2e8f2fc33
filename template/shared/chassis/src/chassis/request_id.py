"""The request id: taken from the caller or made, returned, handed on, and in every log line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID_HEADER = "X-Request-ID"

_HEADER = REQUEST_ID_HEADER.lower().encode()
# Nothing that could end a header or a log line; anything else is replaced, never repaired.
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """Return the id of the request that is being handled, if there is one."""
    return _request_id.get()


def request_id_headers() -> dict[str, str]:
    """Return the header that gives the current request id to the next service."""
    request_id = _request_id.get()
    return {} if request_id is None else {REQUEST_ID_HEADER: request_id}


@contextmanager
def as_part_of_request(given: str | None) -> Iterator[None]:
    """Do something that is no request itself under the id of one, or under a new one."""
    is_good = given is not None and _WELL_FORMED.fullmatch(given.encode())
    token = _request_id.set(given if is_good else uuid4().hex)
    try:
        yield
    finally:
        _request_id.reset(token)


class _RequestIdMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        request_id = given if _WELL_FORMED.fullmatch(given) else uuid4().hex.encode()
        # Never reset: each request has a context of its own, and its last log lines need the id.
        _request_id.set(request_id.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (_HEADER, request_id)]
            await send(message)

        await self._app(scope, receive, send_with_id)


def request_id(app: FastAPI) -> None:
    """Give every request of `app` an id; install it last, so that it is outermost."""
    app.add_middleware(_RequestIdMiddleware)

"""Refuses requests that no honest client sends, before anything reads them."""

import re
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.problems import problem

MAX_PARAMETERS = 100
# PostgreSQL stores no NUL, a log line ends at a line feed, and a terminal obeys an escape.
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class InputMiddleware:
    """Answers 400 for control characters in path or query, and for too many parameters."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        reason = _reason(scope)
        if reason is None:
            await self._app(scope, receive, send)
        else:
            await problem(400, reason)(scope, receive, send)


def _reason(scope: Scope) -> str | None:
    query: bytes = scope["query_string"]
    if _CONTROL.search(scope["path"].encode()) or _CONTROL.search(unquote_to_bytes(query)):
        return "The address holds a control character."
    if query.count(b"&") >= MAX_PARAMETERS:
        return f"The address has more than {MAX_PARAMETERS} parameters."
    return None


def hardened_input(app: FastAPI) -> None:
    """Put the check before everything of `app` that reads a request."""
    app.add_middleware(InputMiddleware)

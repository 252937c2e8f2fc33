"""Whether a request needs what is stored now, or may be answered from a copy that lags behind.

A caller asks for the former by `Cache-Control: no-cache` (RFC 9111, 5.2.1.4). Whatever is read on
the way to a change is asked for in this way, so that no change is decided on old data.
"""

from contextvars import ContextVar

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

_READS = frozenset({"GET", "HEAD"})
# Outside of requests nobody has said that a copy will do.
_fresh: ContextVar[bool] = ContextVar("fresh", default=True)


def needs_fresh(scope: Scope) -> bool:
    """Return whether the request of `scope` changes something, or asks for what is stored now."""
    return scope["method"] not in _READS or any(
        name == b"cache-control" and b"no-cache" in value.lower()
        for name, value in scope["headers"]
    )


def freshness_headers() -> dict[str, str]:
    """Return the header that tells the next service that a copy will not do, where that is so."""
    return {"Cache-Control": "no-cache"} if _fresh.get() else {}


class _FreshnessMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _fresh.set(needs_fresh(scope))
        await self._app(scope, receive, send)


def handed_on_freshness(app: FastAPI) -> None:
    """Let every call that `app` makes for a request ask for data as fresh as the request needs."""
    app.add_middleware(_FreshnessMiddleware)

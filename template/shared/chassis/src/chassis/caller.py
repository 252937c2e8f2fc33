"""Who calls: a dependency for routes, and what the client hands on to the next service."""

from contextvars import ContextVar
from typing import Annotated

from fastapi import Depends, Header
from starlette.types import ASGIApp, Receive, Scope, Send

CALLER_HEADER = "X-Customer-Id"

_caller: ContextVar[str | None] = ContextVar("caller", default=None)


async def _from_header(
    customer_id: Annotated[
        str,
        Header(
            alias=CALLER_HEADER,
            pattern=r"^[A-Za-z0-9_-]{1,64}$",
            description="The customer. Not authenticated at this level: trust your network.",
        ),
    ],
) -> str:
    _caller.set(customer_id)
    return customer_id


Caller = Annotated[str, Depends(_from_header)]
"""The id of the customer who calls; a route that declares it refuses a call without one."""


class CallerMiddleware:
    """Begins each request without a caller: a pipelined one inherits what the last has set."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _caller.set(None)
        await self._app(scope, receive, send)


def caller_headers() -> dict[str, str]:
    """Return the header that names the current caller to the next service."""
    caller = _caller.get()
    return {} if caller is None else {CALLER_HEADER: caller}

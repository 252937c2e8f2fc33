"""What each call of `ServiceClient` carries, and what happens around it.

Each module of this folder has `headers(service)`, which returns headers of a call, or
`middleware(service)`, which returns what wraps it, with a `PHASE`; or both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from chassis.modules import find_hooks

if TYPE_CHECKING:
    from chassis.client import Call

# The phases, from the inside out: around each attempt, or around all of them.
EACH_ATTEMPT = 1
WHOLE_CALL = 2


class Middleware(Protocol):
    """Does something around a call; `go` makes it, once each time it is awaited."""

    async def __call__[Answer](self, call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer: ...


class Chain:
    """What the modules of this folder do for calls to `service`."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._headers = find_hooks("chassis", "client_middleware", "headers")
        found = find_hooks("chassis", "client_middleware", "middleware")
        self._around: list[Middleware] = [middleware(service) for middleware in found]

    def headers(self) -> dict[str, str]:
        """Return the headers of a call that is made now."""
        headers: dict[str, str] = {}
        for more in self._headers:
            headers |= more(self._service)
        return headers

    async def run[Answer](self, call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call, with everything around it."""
        for middleware in self._around:
            go = partial(middleware, call, go)
        return await go()

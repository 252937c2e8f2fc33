"""Gives a call the time that its request has left."""

from collections.abc import Awaitable, Callable

from chassis.client import Call
from chassis.client_middleware import EACH_ATTEMPT, Middleware
from chassis.deadline import budget_headers, seconds_left

PHASE = EACH_ATTEMPT


def headers(_: str) -> dict[str, str]:
    """Return the header that limits how long the next service works."""
    return budget_headers()


def middleware(_: str) -> Middleware:
    """Return what limits each attempt."""
    return _limited


async def _limited[Answer](call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
    left = seconds_left()
    if left is not None:
        call.timeout = left if call.timeout is None else min(left, call.timeout)
    return await go()

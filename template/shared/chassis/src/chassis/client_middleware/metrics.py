"""Measures each attempt."""

from collections.abc import Awaitable, Callable

from chassis.client import Call
from chassis.client_metrics import measured_call
from chassis.client_middleware import EACH_ATTEMPT, Middleware

PHASE = EACH_ATTEMPT


def middleware(service: str) -> Middleware:
    """Return what observes how long attempts take, and how they end."""

    async def measured[Answer](call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
        call.status = None
        with measured_call(service, call.method) as observed:
            try:
                return await go()
            finally:
                observed.outcome = str(call.status or "")

    return measured

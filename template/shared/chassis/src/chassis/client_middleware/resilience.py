"""Puts a breaker, a bulkhead and retries around calls."""

from collections.abc import Awaitable, Callable

from chassis.client import Call
from chassis.client_middleware import WHOLE_CALL, Middleware
from chassis.resilience import Resilience, ResilienceSettings
from chassis.settings import read_settings

PHASE = WHOLE_CALL


def middleware(service: str) -> Middleware:
    """Return what protects `service`, and this one from it."""
    resilience = Resilience(service, read_settings(ResilienceSettings))

    async def resilient[Answer](call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
        if call.is_probe:
            return await resilience.probe(go)
        return await resilience.run(call.method, go)

    return resilient

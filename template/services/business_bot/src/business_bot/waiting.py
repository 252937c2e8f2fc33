"""Waits for the end of the process, and shows meanwhile how it is."""

import asyncio
from collections.abc import Callable

from chassis.process import pause, show_readiness

BEAT_SECONDS = 5


async def wait_until(stop: asyncio.Event, is_ready: Callable[[], bool] = lambda: True) -> None:
    """Wait until the process is to stop; tell the health check that it lives, and is ready."""
    while not stop.is_set():
        show_readiness(is_ready())
        await pause(stop, BEAT_SECONDS)
    show_readiness(False)

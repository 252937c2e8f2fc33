"""Runs a process that serves no HTTP, until it is told to stop."""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import gettempdir

from chassis.app import configure_logging
from chassis.modules import find_hooks

# The health check of the container looks how old the one is, and whether the other is there.
ALIVE = Path(gettempdir()) / "alive"
READY = Path(gettempdir()) / "ready"

log = logging.getLogger(__name__)

Work = Callable[[asyncio.Event], Awaitable[None]]
"""Does what the process is there for, and returns soon after the event is set."""


def run(name: str, work: Work, *prepare: Callable[[], None]) -> None:
    """Prepare and run `work` as the process `name`; SIGTERM and Ctrl-C ask it to stop.

    Modules in the folder `process_start` come first: what all processes need.
    """
    configure_logging()
    for start in find_hooks("chassis", "process_start", "start"):
        start(name)
    # A process that was killed may have left it there.
    show_readiness(False)
    for each in prepare:
        each()
    asyncio.run(_run(work))


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not for longer than until the process is to stop.

    It is known to be alive as long as it comes here.
    """
    ALIVE.touch()
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def show_readiness(is_ready: bool) -> None:
    """Say whether the process can do its work."""
    if is_ready:
        READY.touch()
    else:
        READY.unlink(missing_ok=True)


async def _run(work: Work) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await work(stop)
    except Exception:
        log.exception("ended by a mistake")
        sys.exit(1)

"""Keeps readers at their queues, whatever becomes of the broker meanwhile."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from faststream.rabbit import RabbitBroker

from chassis.process import pause, show_readiness
from messaging.publisher import UNREACHABLE
from messaging.reader import Reader

log = logging.getLogger(__name__)

BEAT_SECONDS = 5
RETRY_SECONDS = 1


async def read_until(
    stop: asyncio.Event,
    broker: RabbitBroker,
    mover: RabbitBroker,
    readers: Sequence[Reader[Any]],
    show: Callable[[bool], None] = show_readiness,
) -> None:
    """Let `readers` read until `stop` is set, and finish what they have begun.

    `show` is told whether RabbitMQ is there.
    """
    show(False)
    while not stop.is_set():
        try:
            await mover.connect()
            await broker.connect()
            for reader in readers:
                await reader.declare()
            await broker.start()
            break
        except UNREACHABLE as error:
            log.warning("waiting for RabbitMQ: %s", error)
            await pause(stop, RETRY_SECONDS)
    was_there = False
    try:
        while not stop.is_set():
            # A connection that was lost comes back by itself, with everything on it.
            is_there = await broker.ping(timeout=BEAT_SECONDS)
            if is_there != was_there:
                log.info("reading events") if is_there else log.warning("RabbitMQ is away")
            was_there = is_there
            show(is_there)
            await pause(stop, BEAT_SECONDS)
    finally:
        show(False)
        for reader in readers:
            reader.is_stopping = True
        await broker.stop()
        await mover.stop()

"""Readiness checks of the files service."""

import asyncio
import time
from typing import cast

from fastapi import FastAPI

from business_files.store import Objects
from chassis.client import ServiceClient
from chassis.errors import Unavailable
from chassis.health import Readiness

STORE_SECONDS = 1
# A store may charge for each request, and load balancers ask for /ready every few seconds.
REMEMBER_SECONDS = 5


async def data_service_is_ready(app: FastAPI) -> None:
    """Raise unless the data service says that it can work."""
    client = cast(ServiceClient, app.state.data_service)
    await client.check("/ready", Readiness)


async def store_is_ready(app: FastAPI) -> None:
    """Raise unless the object store answers, or has done so in the last seconds."""
    if (
        time.monotonic() - getattr(app.state, "store_answered", -REMEMBER_SECONDS)
        < REMEMBER_SECONDS
    ):
        return
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await cast(Objects, app.state.objects).check()
    except TimeoutError as error:
        raise Unavailable("The object store does not answer.") from error
    app.state.store_answered = time.monotonic()

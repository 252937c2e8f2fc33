"""What the business service needs in order to work."""

from typing import cast

from fastapi import FastAPI

from chassis.client import ServiceClient
from chassis.health import Readiness


async def data_service_is_ready(app: FastAPI) -> None:
    """Raise unless the data service says that it can work."""
    client = cast(ServiceClient, app.state.data_service)
    await client.check("/ready", Readiness)

"""The composition root of the business service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from business_api.settings import DataServiceSettings
from chassis.app import create_app, find_features, find_routers
from chassis.client import ServiceClient
from chassis.settings import read_settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections to the data service for as long as the service runs."""
    settings = read_settings(DataServiceSettings)
    async with ServiceClient("data service", str(settings.url), settings.timeout_seconds) as client:
        app.state.data_service = client
        yield


app = create_app(
    title="Business API",
    routers=find_routers("business_api"),
    lifespan=lifespan,
    features=find_features("business_api"),
)

"""The composition root of the files service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from business_files.content.uploads import Uploads
from business_files.events import observers
from business_files.gateway import FilesGateway
from business_files.scanner import Scanner
from business_files.settings import DataServiceSettings, ScannerSettings, TransferSettings
from business_files.store import make_objects
from chassis.app import create_app, find_features, find_routers
from chassis.client import ServiceClient
from chassis.settings import read_settings
from contracts.files import MAX_SIZE
from filestore.links import ServiceLinks
from filestore.settings import LinkSettings, StoreSettings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connections to the data service for as long as the service runs."""
    settings = read_settings(DataServiceSettings)
    observers()
    app.state.links = ServiceLinks(read_settings(LinkSettings))
    app.state.objects = make_objects(read_settings(StoreSettings))
    app.state.scanner = Scanner(read_settings(ScannerSettings))
    transfers = read_settings(TransferSettings)
    async with ServiceClient("data service", str(settings.url), settings.timeout_seconds) as client:
        app.state.data_service = client
        app.state.files = FilesGateway(client)
        app.state.uploads = Uploads(app.state.files, app.state.objects, transfers)
        yield


app = create_app(
    title="Files",
    routers=find_routers("business_files"),
    lifespan=lifespan,
    features=find_features("business_files"),
    # Each upload has a limit of its own, which its route keeps while it reads.
    max_body_bytes=MAX_SIZE,
)

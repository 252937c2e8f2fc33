"""The composition root of the data service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from chassis.app import create_app, find_features, find_routers
from chassis.settings import read_settings
from data_postgres_api.database import create_engine, wait_for_database
from data_postgres_api.settings import PostgresSettings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Wait for PostgreSQL, then hold the connection pool for as long as the service runs."""
    settings = read_settings(PostgresSettings)
    engine = create_engine(settings)
    try:
        await wait_for_database(engine, settings)
        app.state.engine = engine
        app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
        yield
    finally:
        await engine.dispose()


app = create_app(
    title="Data API",
    routers=find_routers("data_postgres_api"),
    lifespan=lifespan,
    features=find_features("data_postgres_api"),
)

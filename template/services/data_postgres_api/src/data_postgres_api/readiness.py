"""What the data service needs in order to work."""

from typing import cast

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def database_is_ready(app: FastAPI) -> None:
    """Raise unless PostgreSQL answers a query."""
    engine = cast(AsyncEngine, app.state.engine)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))

"""The engine, one session a request, and the wait for PostgreSQL at the start."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Annotated, cast

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from chassis.errors import Unavailable
from data_postgres_api.settings import PostgresSettings

# Classes of SQLSTATE that say nothing about the statement: rolled back, full, locked, cancelled.
PASSING = frozenset({"40", "53", "55", "57"})

log = logging.getLogger(__name__)


class Base(DeclarativeBase):
    """The base of all tables."""


def create_engine(settings: PostgresSettings) -> AsyncEngine:
    """Return the engine; to connect in vain raises `Unavailable`, whatever the driver says."""

    async def connect() -> asyncpg.Connection:
        try:
            return await asyncpg.connect(
                host=settings.host,
                port=settings.port,
                user=settings.user,
                password=settings.password.get_secret_value(),
                database=settings.db,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable("The database cannot be reached.") from error

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, hide_parameters=True)


async def wait_for_database(engine: AsyncEngine, settings: PostgresSettings) -> None:
    """Return once PostgreSQL answers; raise `Unavailable` after `settings.wait_seconds`."""
    where = f"PostgreSQL at {settings.host}:{settings.port}"
    deadline = asyncio.get_running_loop().time() + settings.wait_seconds
    reason = "no answer"
    while True:
        try:
            async with asyncio.timeout_at(deadline), engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
            return
        except (Unavailable, DBAPIError, TimeoutError) as error:
            reason = str(error.__cause__ or error) or reason
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise Unavailable(
                    f"{where} did not accept a connection within {settings.wait_seconds:g} "
                    f"seconds: {reason}"
                ) from None
            log.warning("waiting for %s, %.0f seconds left: %s", where, left, reason)
            await asyncio.sleep(min(1, left))


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    sessions = cast(async_sessionmaker[AsyncSession], request.app.state.sessions)
    try:
        async with sessions.begin() as session:
            yield session
    except PoolTimeout as error:
        raise Unavailable("Every connection to the database is in use.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The connection to the database was lost.") from error
        if str(getattr(error.orig, "sqlstate", ""))[:2] in PASSING:
            raise Unavailable("The database could not do that at the moment.") from error
        raise


# Scope "function": the transaction is committed before the answer leaves, not after it.
Session = Annotated[AsyncSession, Depends(_session, scope="function")]
"""The session of this request, committed when the route returns, rolled back when it raises."""

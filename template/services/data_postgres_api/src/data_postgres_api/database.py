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
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

from chassis.errors import Unavailable

log = logging.getLogger(__name__)

# What connecting raises while PostgreSQL is down or still starting, and what a full pool raises.
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, PoolTimeout)


class Base(DeclarativeBase):
    """The base of all tables."""


class DatabaseNotReady(RuntimeError):
    """PostgreSQL did not accept a connection in time."""


async def wait_for_database(engine: AsyncEngine, seconds: float) -> None:
    """Return once PostgreSQL answers; raise `DatabaseNotReady` after `seconds`."""
    where = f"PostgreSQL at {engine.url.host}:{engine.url.port}"
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
            return
        except (*UNREACHABLE, DBAPIError) as error:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise DatabaseNotReady(
                    f"{where} did not accept a connection within {seconds:g} seconds: {error}"
                ) from error
            log.warning("waiting for %s, %.0f seconds left", where, left)
            await asyncio.sleep(min(1, left))


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    sessions = cast(async_sessionmaker[AsyncSession], request.app.state.sessions)
    try:
        async with sessions.begin() as session:
            try:
                await session.connection()
            except UNREACHABLE as error:
                raise Unavailable("The database cannot be reached.") from error
            yield session
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The connection to the database was lost.") from error
        raise


# Scope "function": the transaction is committed before the answer leaves, not after it.
Session = Annotated[AsyncSession, Depends(_session, scope="function")]
"""The session of this request, committed when the route returns, rolled back when it raises."""

"""How many connections to PostgreSQL the service keeps, and for how long anything may take."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Literal

import asyncpg
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import Connection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# A connection that was used more recently than this is not pinged: a ping costs as much as a small
# query.
IDLE_SECONDS = 1.0


class PoolSettings(BaseSettings):
    """The connection pool of one process; times are seconds.

    All replicas together must stay below `max_connections` of PostgreSQL, which is 100 by default.
    To wait for a connection, or to open one, and for a statement takes less than the business
    service waits. With `pool_pre_ping` a connection that was idle is asked whether it is alive.
    Set `pooler` to "transaction" behind PgBouncer in transaction mode: then the service keeps no
    prepared statements and no session settings.
    """

    model_config = SettingsConfigDict(env_prefix="POSTGRES_")

    pool_size: int = Field(default=10, ge=1, le=1000)
    pool_overflow: int = Field(default=5, ge=0, le=1000)
    pool_timeout: float = Field(default=1, gt=0)
    pool_recycle: int = Field(default=1800, ge=1)
    pool_pre_ping: bool = True
    statement_timeout: float = Field(default=3, ge=0)
    pooler: Literal["none", "transaction"] = "none"

    @property
    def engine(self) -> dict[str, Any]:
        """Arguments of `create_async_engine`."""
        return {
            "pool_size": self.pool_size,
            "max_overflow": self.pool_overflow,
            "pool_timeout": self.pool_timeout,
            "pool_recycle": self.pool_recycle,
        }

    @property
    def timeouts(self) -> dict[str, str]:
        """Settings of PostgreSQL, in milliseconds; 0 means none."""
        milliseconds = f"{self.statement_timeout * 1000:.0f}"
        return {
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        }

    @property
    def connection(self) -> dict[str, Any]:
        """Arguments of `asyncpg.connect`; a pooler refuses settings of a session."""
        if self.pooler == "transaction":
            return {"timeout": self.pool_timeout, "statement_cache_size": 0}
        return {"timeout": self.pool_timeout, "server_settings": self.timeouts}


def pooled_engine(
    connect: Callable[[], Awaitable[asyncpg.Connection]],
    settings: PoolSettings,
    ping_after: float = IDLE_SECONDS,
) -> AsyncEngine:
    """Return an engine that pools what `connect` opens, and never shows parameters in errors.

    A connection that was idle for `ping_after` seconds or longer is pinged before it is used.
    """
    arguments: dict[str, Any] = {"async_creator": connect}
    if settings.pooler == "transaction":
        # A statement without a name lasts until the next one, in the same transaction.
        unnamed = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
        arguments = {"connect_args": {"async_creator_fn": connect, **unnamed}}
    engine = create_async_engine(
        "postgresql+asyncpg://", hide_parameters=True, **arguments, **settings.engine
    )
    if settings.pooler == "transaction":
        _limit_each_transaction(settings.timeouts, engine)
    if settings.pool_pre_ping:
        _ping_after(ping_after, engine)
    return engine


def _limit_each_transaction(timeouts: dict[str, str], engine: AsyncEngine) -> None:
    values = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in timeouts.items())

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT {values}")


def _ping_after(seconds: float, engine: AsyncEngine) -> None:
    dialect, pool = engine.sync_engine.dialect, engine.sync_engine.pool

    @event.listens_for(pool, "checkin")
    def given_back(_: object, entry: ConnectionPoolEntry) -> None:
        entry.info["idle since"] = monotonic()

    @event.listens_for(pool, "checkout")
    def taken(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:
        since = entry.info.get("idle since")
        if since is None or monotonic() - since < seconds:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            # The pool opens another one instead, and replaces all that are as old.
            raise InvalidatePoolError from error

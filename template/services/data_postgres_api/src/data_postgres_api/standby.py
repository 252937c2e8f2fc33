"""Reads from the standby, as long as it is known to be fresh enough.

Each process compares the two nodes itself: it notes how far the primary's log goes and when it
asked, and how far the standby has replayed it. What the standby shows is then at least as new as
the newest note that it has reached. That needs no clock but this process', holds when nothing is
written, and ends when either node is silent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import cast

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from fastapi import APIRouter, FastAPI, Request
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from chassis.errors import Unavailable
from chassis.freshness import needs_fresh
from chassis.settings import read_settings
from data_postgres_api.nodes import connect
from data_postgres_api.pool import PoolSettings, pooled_engine
from data_postgres_api.settings import PostgresSettings

WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"
REPLAYED = "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint WHERE pg_is_in_recovery()"
INTERVAL_SECONDS = 0.5
# A node that does not answer for so long is not waited for.
PATIENCE_SECONDS = 2

SESSIONS = Counter(
    "database_sessions_total", "Sessions of requests, by the node that they were for.", ["node"]
)

log = logging.getLogger(__name__)


class StandbySettings(BaseSettings):
    """Whether reads may come from the standby, and how many seconds old they may be at most."""

    model_config = SettingsConfigDict(env_prefix="POSTGRES_")

    read_from_standby: bool = False
    standby_max_lag: float = Field(default=2, ge=1, le=3600)


class Freshness:
    """As of when the standby shows what was stored, in seconds of the monotonic clock."""

    def __init__(self, max_lag: float) -> None:
        self._max_lag = max_lag
        # Notes that are older than what is allowed could not help any more.
        self._notes: deque[tuple[float, int]] = deque(maxlen=int(max_lag / INTERVAL_SECONDS) + 1)
        self._as_of: float | None = None

    def note(self, asked_at: float, written: int) -> None:
        """At `asked_at` or later, the primary's log went up to the position `written`."""
        self._notes.append((asked_at, written))

    def reached(self, replayed: int) -> None:
        """The standby has replayed the log up to the position `replayed`."""
        while self._notes and self._notes[0][1] <= replayed:
            self._as_of, _ = self._notes.popleft()

    def forget(self) -> None:
        """Nothing is known any more: a node is gone, or is another one now."""
        self._notes.clear()
        self._as_of = None

    def is_enough(self, now: float) -> bool:
        """Whether what the standby shows at `now` is no older than allowed."""
        return self._as_of is not None and now - self._as_of <= self._max_lag


class Standby:
    """The pool of connections to the standby, and what is known of it."""

    def __init__(self, max_lag: float) -> None:
        self._freshness = Freshness(max_lag)
        self._max_lag = max_lag
        self._used: bool | None = None
        pool = read_settings(PoolSettings)
        self._connect = partial(connect, read_settings(PostgresSettings), pool)
        # Pinged each time: when the standby is gone, the primary answers instead of an error.
        standby = partial(self._connect, SessionAttribute.standby)
        self._engine = pooled_engine(standby, pool, ping_after=0)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    async def session(self, request: Request) -> AsyncSession | None:
        """Return a connected session on the standby, or None where the primary is to be asked."""
        if needs_fresh(request.scope) or getattr(request.state, "from_primary", False):
            return None
        if not self._freshness.is_enough(monotonic()):
            return None
        session = self._sessions()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await session.connection()
            # To wait for a connection has taken its time, too.
            if self._freshness.is_enough(monotonic()):
                return session
        except (Unavailable, DBAPIError, TimeoutError):
            # It is gone, and the primary is there: nobody has to hear of it.
            self._freshness.forget()
        except PoolTimeout:
            log.warning("every connection to the standby is in use, so the primary is asked")
        except BaseException:
            await session.close()
            raise
        await session.close()
        return None

    async def watch(self) -> None:
        """Compare the nodes for as long as this is not cancelled."""
        while True:
            try:
                with suppress_instrumentation():
                    await self._compare()
            except (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pass  # is told below, once
            except Exception:
                log.exception("the standby cannot be compared with the primary")
            self._freshness.forget()
            self._tell()
            # Its connections may lead to what is the primary now, or to nothing.
            await self.close()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _compare(self) -> None:
        primary = await self._connect(SessionAttribute.primary)
        try:
            standby = await self._connect(SessionAttribute.standby)
            try:
                # Of a node that is no standby any more there is no position.
                while True:
                    asked_at = monotonic()
                    written = await primary.fetchval(WRITTEN, timeout=PATIENCE_SECONDS)
                    self._freshness.note(asked_at, written)
                    replayed = await standby.fetchval(REPLAYED, timeout=PATIENCE_SECONDS)
                    if replayed is None:
                        return
                    self._freshness.reached(replayed)
                    self._tell()
                    await asyncio.sleep(INTERVAL_SECONDS)
            finally:
                standby.terminate()
        finally:
            primary.terminate()

    def _tell(self) -> None:
        used = self._freshness.is_enough(monotonic())
        if used != self._used:
            self._used = used
            if used:
                log.info("reads come from the standby")
            else:
                log.warning("reads come from the primary: the standby is away, or lags too far")

    async def close(self) -> None:
        """Close all connections; those to a node that does not answer are left to themselves."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._engine.dispose()
        except TimeoutError:
            await self._engine.dispose(close=False)


async def standby_session(request: Request) -> AsyncSession | None:
    """Return a session on the standby if this request may be answered from there."""
    standby = cast(Standby | None, getattr(request.app.state, "standby", None))
    session = None if standby is None else await standby.session(request)
    SESSIONS.labels("primary" if session is None else "standby").inc()
    return session


async def from_primary(request: Request) -> None:
    """A dependency of routers whose answers have to be what is stored now, whoever asks."""
    request.state.from_primary = True


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = read_settings(StandbySettings)
    app.state.standby = None
    if not settings.read_from_standby:
        yield
        return
    app.state.standby = standby = Standby(settings.standby_max_lag)
    watching = asyncio.create_task(standby.watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await standby.close()


def reads_from_standby(app: FastAPI) -> None:
    """Let `app` answer reads from the standby, where `POSTGRES_READ_FROM_STANDBY` says so."""
    app.include_router(APIRouter(lifespan=_lifespan))

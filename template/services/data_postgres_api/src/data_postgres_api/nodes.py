"""Connections to the nodes of the database: all are asked, and the right one is taken."""

import asyncio
from functools import partial

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from chassis.errors import Unavailable
from data_postgres_api.pool import PoolSettings
from data_postgres_api.settings import PostgresSettings


async def connect(
    settings: PostgresSettings, pool: PoolSettings, node: SessionAttribute
) -> asyncpg.Connection:
    """Return a connection to the `node` asked for; `Unavailable` when there is none at present.

    `settings.host` names the nodes, with commas between them. Which of them is the primary is
    theirs to say: a promotion changes no setting. They are asked at the same time, so that one
    that hangs or is full does not stand before the other.
    """
    found, reason = None, None
    asked = [
        asyncio.create_task(_ask(host, settings, pool, node)) for host in settings.host.split(",")
    ]
    try:
        for answer in asyncio.as_completed(asked):
            answered = await answer
            if not isinstance(answered, Exception):
                found = answered
                return found
            reason = answered
        raise Unavailable("The database cannot be reached.") from reason
    finally:
        for attempt in asked:
            attempt.cancel()
            attempt.add_done_callback(partial(_close, found))


async def _ask(
    host: str, settings: PostgresSettings, pool: PoolSettings, node: SessionAttribute
) -> asyncpg.Connection | Exception:
    try:
        connection: asyncpg.Connection = await asyncpg.connect(
            host=host,
            target_session_attrs=node,
            port=settings.port,
            user=settings.user,
            password=settings.password.get_secret_value(),
            database=settings.db,
            **pool.connection,
        )
        return connection
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.TargetServerAttributeNotMatched,
    ) as error:
        return error


def _close(
    found: asyncpg.Connection | None, attempt: asyncio.Task[asyncpg.Connection | Exception]
) -> None:
    """Close a connection that came too late to be taken."""
    if attempt.cancelled() or attempt.exception():
        return
    answered = attempt.result()
    if not isinstance(answered, Exception) and answered is not found:
        answered.terminate()

"""Connections to the nodes of the database: all are asked, and the right one is taken."""

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
    theirs to say: a promotion changes no setting.
    """
    try:
        return await asyncpg.connect(
            host=settings.host.split(","),
            target_session_attrs=node,
            port=settings.port,
            user=settings.user,
            password=settings.password.get_secret_value(),
            database=settings.db,
            server_settings=pool.server_settings,
            timeout=pool.pool_timeout,
        )
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.TargetServerAttributeNotMatched,
    ) as error:
        raise Unavailable("The database cannot be reached.") from error

"""Takes the primary among the nodes of the database."""

from functools import partial

from asyncpg.connect_utils import SessionAttribute
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.settings import read_settings
from data_postgres_api.nodes import connect
from data_postgres_api.pool import PoolSettings, pooled_engine
from data_postgres_api.settings import PostgresSettings

# After `pool`, whose engine it replaces.
PHASE = -1


def change_engine(_: AsyncEngine, settings: PostgresSettings) -> AsyncEngine:
    """Return an engine with a pool on the primary, whichever node that is."""
    pool = read_settings(PoolSettings)
    return pooled_engine(partial(connect, settings, pool, SessionAttribute.primary), pool)

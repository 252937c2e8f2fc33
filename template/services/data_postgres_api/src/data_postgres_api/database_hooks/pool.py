"""Pools connections, as the settings ask for."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.settings import read_settings
from data_postgres_api.database import connect
from data_postgres_api.pool import PoolSettings, pooled_engine
from data_postgres_api.settings import PostgresSettings

PHASE = -2


def change_engine(_: AsyncEngine, settings: PostgresSettings) -> AsyncEngine:
    """Return an engine with a pool on the one PostgreSQL."""
    pool = read_settings(PoolSettings)
    return pooled_engine(partial(connect, settings, **pool.connection), pool)

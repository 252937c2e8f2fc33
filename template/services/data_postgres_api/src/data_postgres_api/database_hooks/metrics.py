"""Measures the pool, and counts what is stored."""

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.settings import read_settings
from data_postgres_api.database import Base
from data_postgres_api.database_metrics import count_from_zero, measure_pool
from data_postgres_api.pool import PoolSettings
from data_postgres_api.settings import PostgresSettings

PHASE = 0


def change_engine(engine: AsyncEngine, _: PostgresSettings) -> AsyncEngine:
    """Measure `engine`, and show a counter for each table."""
    pool = read_settings(PoolSettings)
    measure_pool(engine, pool.pool_size + pool.pool_overflow)
    count_from_zero(Base.metadata.tables)
    return engine

"""How Alembic reaches PostgreSQL; every branch below `versions/` is found by itself."""

import asyncio
import logging
from importlib import import_module

from alembic import context
from sqlalchemy import Connection

from chassis.modules import find_modules
from chassis.settings import read_settings
from data_postgres_api.database import Base, create_engine, wait_for_database
from data_postgres_api.settings import PostgresSettings


def migrate(connection: Connection) -> None:
    """Run the revisions that were asked for in one transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Wait for PostgreSQL, then migrate."""
    settings = read_settings(PostgresSettings)
    engine = create_engine(settings)
    try:
        await wait_for_database(engine, settings)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


# The service itself knows how this level logs; what migrates it speaks in the same way.
import_module("data_postgres_api.main")
# A table whose module is not imported would be dropped.
find_modules("data_postgres_api", "**/models.py", "**/models/__init__.py")
logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
asyncio.run(main())

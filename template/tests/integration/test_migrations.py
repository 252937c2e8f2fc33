"""The migrations lead to what the models say, and back."""

from alembic import command
from alembic.config import Config
from sqlalchemy import URL


def test_the_models_need_no_further_migration(database: URL, alembic_config: Config) -> None:
    command.check(alembic_config)


def test_every_migration_can_be_taken_back(database: URL, alembic_config: Config) -> None:
    command.downgrade(alembic_config, "base")
    command.upgrade(alembic_config, "heads")

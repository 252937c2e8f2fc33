"""The models are what the migrations make of the database."""

import pytest
from alembic import command
from alembic.config import Config


@pytest.mark.usefixtures("data_service")
def test_no_migration_is_missing() -> None:
    command.check(Config(toml_file="services/data_postgres_api/pyproject.toml"))

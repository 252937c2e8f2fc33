"""Fixtures that several tests share: a real PostgreSQL, migrated, and the services on it."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest
import uvicorn
from alembic import command
from alembic.config import Config
from fastapi.testclient import TestClient
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from business_api.main import app as business_app
from chassis.testing import service_client
from data_postgres_api.main import app as data_app

IMAGE = "postgres:17"


async def _execute(server: URL, statement: str) -> None:
    connection = await asyncpg.connect(
        server.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    """The address of an empty database: in a container, or on the server of `TEST_POSTGRES_URL`."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        # A database of this run's own, because the tests of the migrations drop every table.
        server, name = make_url(given), f"test_{uuid4().hex}"
        asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
        yield server.set(database=name, port=server.port or 5432)
        asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))
        return
    # The official image starts a server twice: the first time only to set it up.
    ready = LogMessageWaitStrategy("database system is ready to accept connections", times=2)
    container = (
        DockerContainer(IMAGE)
        .with_env("POSTGRES_USER", "app")
        .with_env("POSTGRES_PASSWORD", "test")
        .with_exposed_ports(5432)
        .waiting_for(ready)
    )
    with container:
        yield URL.create(
            "postgresql+asyncpg",
            "app",
            "test",
            container.get_container_host_ip(),
            int(container.get_exposed_port(5432)),
            "app",
        )


@pytest.fixture(scope="session")
def alembic_config() -> Config:
    """The migrations of the data service."""
    return Config(toml_file="services/data_postgres_api/pyproject.toml")


@pytest.fixture(scope="session")
def database(postgres_url: URL, alembic_config: Config) -> Iterator[URL]:
    """The address of a PostgreSQL with every migration; the environment points to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSTGRES_HOST", str(postgres_url.host))
        patch.setenv("POSTGRES_PORT", str(postgres_url.port))
        patch.setenv("POSTGRES_USER", str(postgres_url.username))
        patch.setenv("POSTGRES_PASSWORD", str(postgres_url.password))
        patch.setenv("POSTGRES_DB", str(postgres_url.database))
        command.upgrade(alembic_config, "heads")
        yield postgres_url


@pytest.fixture(scope="session")
async def engine(database: URL) -> AsyncIterator[AsyncEngine]:
    """A connection pool to the migrated database."""
    engine = create_async_engine(database)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session whose work is undone after the test, commits included."""
    async with engine.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
        await transaction.rollback()


@pytest.fixture
def data_api(database: URL) -> Iterator[TestClient]:
    """A client of the data service on the real database."""
    with service_client(data_app) as client:
        yield client


class DataServer:
    """The data service behind a real port, so that it can be stopped and started."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._thread is not None:
            return
        config = uvicorn.Config(data_app, port=self._port, log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),))
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("The data service did not start; the log says why.")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
            self._thread = None


@pytest.fixture(scope="session")
def stopped_data_server(database: URL) -> Iterator[DataServer]:
    """The data service, for tests that start it with settings of their own and stop it again."""
    server = DataServer()
    yield server
    server.stop()


@pytest.fixture
def data_server(stopped_data_server: DataServer) -> DataServer:
    """The data service, really served; it goes on running for the tests that follow."""
    stopped_data_server.start()
    return stopped_data_server


@pytest.fixture
def business_api(data_server: DataServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of the business service in front of the data service."""
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    with service_client(business_app) as client:
        yield client

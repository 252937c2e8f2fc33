"""What is read from the standby, and what never is.

Here the standby is a second database, so that it can be told where an answer is from. That a real
one follows, lags and goes is for the drill.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
from asyncpg.connect_utils import SessionAttribute
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.settings import SettingsError
from chassis.testing import service_client
from data_postgres_api import standby
from data_postgres_api.database import Base
from data_postgres_api.main import app as data_app
from data_postgres_api.nodes import connect
from data_postgres_api.pool import PoolSettings
from data_postgres_api.settings import PostgresSettings
from tests.notes import BODY, PATH
from tests.notes.tables import create_tables as create_notes

if TYPE_CHECKING:
    from conftest import DataServer

NOW = {"Cache-Control": "no-cache"}


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def sessions(node: str) -> float:
    return REGISTRY.get_sample_value("database_sessions_total", {"node": node}) or 0


def store_unseen(data_api: TestClient) -> str:
    """Store a note, and return its path once reads come from the copy, which lacks it."""
    path = f"{PATH}/{uuid4()}"
    assert data_api.put(path, json=BODY).status_code == 201
    eventually(lambda: data_api.get(path).status_code == 404)
    return path


@dataclass
class Copy:
    """Stands for a standby that has all tables and no rows."""

    address: URL
    is_there: bool = True

    def run(self, *statements: str) -> None:
        async def execute() -> None:
            server = self.address.set(drivername="postgresql")
            connection = await asyncpg.connect(server.render_as_string(hide_password=False))
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(execute())

    async def connect(
        self, settings: PostgresSettings, pool: PoolSettings, node: SessionAttribute
    ) -> asyncpg.Connection:
        if node is SessionAttribute.standby:
            name = str(self.address.database) if self.is_there else "gone"
            settings = settings.model_copy(update={"db": name})
        return await connect(settings, pool, SessionAttribute.primary)

    def leave(self) -> None:
        """Be gone, for those who are connected too."""
        self.is_there = False
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def copy(
    database: URL, notes: None, stopped_data_server: "DataServer", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Copy]:
    """A second database on the same server, which the services take for the standby."""
    copy = Copy(database.set(database=f"copy_{uuid4().hex}"))

    async def create_tables() -> None:
        engine = create_async_engine(copy.address)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await create_notes(engine)
        await engine.dispose()

    Copy(database).run(f"CREATE DATABASE {copy.address.database}")
    asyncio.run(create_tables())
    monkeypatch.setattr(standby, "connect", copy.connect)
    monkeypatch.setattr(standby, "REPLAYED", standby.WRITTEN)
    monkeypatch.setenv("POSTGRES_READ_FROM_STANDBY", "on")
    stopped_data_server.stop()
    yield copy
    stopped_data_server.stop()
    Copy(database).run(f"DROP DATABASE {copy.address.database} WITH (FORCE)")


def test_reads_come_from_the_standby_and_writes_go_to_the_primary(
    copy: Copy, data_api: TestClient
) -> None:
    path = store_unseen(data_api)
    assert data_api.get(PATH).json()["items"] == []
    assert data_api.get(path, headers=NOW).json()["version"] == 1
    assert data_api.put(f"{path}/closed").json()["version"] == 2


def test_no_change_is_decided_on_what_the_standby_shows(
    copy: Copy, business_api: TestClient
) -> None:
    eventually(lambda: business_api.get(PATH).json()["items"] == [])
    written = business_api.post(PATH, json=BODY).json()
    path = f"{PATH}/{written['id']}"
    assert business_api.get(path).status_code == 404
    assert business_api.get(path, headers=NOW).json() == written
    # To be closed, the note is read.
    assert business_api.post(f"{path}/close").json()["status"] == "closed"


def test_users_and_the_audit_log_are_read_from_the_primary(
    copy: Copy, data_api: TestClient
) -> None:
    eventually(lambda: data_api.get(PATH).json()["items"] == [])
    before = sessions("standby")
    for path in ("/api/v1/identity/users", "/api/v1/audit"):
        assert data_api.get(path).status_code == 200
    assert sessions("standby") == before


def test_a_standby_that_is_gone_is_noticed_by_nobody_who_reads(
    copy: Copy, data_api: TestClient
) -> None:
    path = store_unseen(data_api)
    copy.leave()
    for _ in range(20):
        assert data_api.get(path).status_code == 200
    copy.is_there = True
    eventually(lambda: data_api.get(path).status_code == 404)


def test_a_standby_that_does_not_follow_gets_no_reads(
    copy: Copy, data_api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_unseen(data_api)
    # What it has replayed now is what it has replayed from now on.
    stopped = "SELECT 1::bigint"
    monkeypatch.setattr(standby, "REPLAYED", stopped)
    eventually(lambda: data_api.get(path).status_code == 200)


def test_a_node_that_is_the_primary_now_gets_no_reads_as_a_standby(
    copy: Copy, data_api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_unseen(data_api)
    monkeypatch.undo()  # asked as it is, for it is no standby
    eventually(lambda: data_api.get(path).status_code == 200)


@pytest.mark.usefixtures("database")
def test_without_the_setting_all_is_read_from_the_primary(data_api: TestClient) -> None:
    before = sessions("standby"), sessions("primary")
    assert data_api.get(PATH).status_code == 200
    assert (sessions("standby"), sessions("primary")) == (before[0], before[1] + 1)


@pytest.mark.usefixtures("copy")
def test_a_lag_that_no_standby_could_keep_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_STANDBY_MAX_LAG", "0.1")
    with pytest.raises(SettingsError, match="STANDBY_MAX_LAG"), service_client(data_app):
        pass

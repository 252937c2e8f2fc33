"""What is counted is what was committed, and the pool is bounded and seen."""

import asyncio
import socket
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from sqlalchemy import URL, MetaData, Table, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chassis.errors import Unavailable
from chassis.settings import read_settings
from chassis.testing import service_client
from data_postgres_api.database import Base, create_engine
from data_postgres_api.main import app as data_app
from data_postgres_api.settings import PostgresSettings
from tests.notes import PATH, NoteStatus
from tests.notes.tables import NoteRow

if TYPE_CHECKING:
    from conftest import DataServer

pytestmark = pytest.mark.usefixtures("notes")


def made() -> float:
    return REGISTRY.get_sample_value("entities_created_total", {"entity": "test_notes"}) or 0


def closed() -> float:
    labels = {"entity": "test_notes", "status": "closed"}
    return REGISTRY.get_sample_value("entity_status_changes_total", labels) or 0


async def create(session: AsyncSession) -> NoteRow:
    row = NoteRow(id=uuid4(), author="ada", text="Water the plants", status=NoteStatus.OPEN)
    session.add(row)
    await session.flush()
    return row


async def test_what_is_committed_counts(engine: AsyncEngine) -> None:
    before = made(), closed()
    async with AsyncSession(engine, expire_on_commit=False) as session:
        note = await create(session)
        assert made() == before[0]
        await session.commit()
        assert made() == before[0] + 1
        for _ in range(2):
            note.status = NoteStatus.CLOSED
            await session.flush()
        await session.commit()
    assert (made(), closed()) == (before[0] + 1, before[1] + 1)


async def test_a_table_counts_from_zero(database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Base, "metadata", MetaData())
    Table("drafts", Base.metadata)
    await create_engine(read_settings(PostgresSettings)).dispose()
    assert REGISTRY.get_sample_value("entities_created_total", {"entity": "drafts"}) == 0


async def test_what_is_rolled_back_does_not_count(engine: AsyncEngine) -> None:
    before = made()
    async with AsyncSession(engine) as session:
        await create(session)
        await session.rollback()
        await session.commit()
        async with session.begin():
            await create(session)
            savepoint = await session.begin_nested()
            await create(session)
            await savepoint.rollback()
    assert made() == before + 1


async def test_a_flush_that_fails_in_a_savepoint_undoes_no_more(engine: AsyncEngine) -> None:
    before = made()
    async with AsyncSession(engine) as session, session.begin():
        note_id = (await create(session)).id
        session.expunge_all()
        again = NoteRow(id=note_id, author="ada", text="Again", status=NoteStatus.OPEN)
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                session.add(again)
    assert made() == before + 1


async def test_the_pool_is_bounded_and_seen(database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_POOL_SIZE", "1")
    monkeypatch.setenv("POSTGRES_POOL_OVERFLOW", "1")
    engine = create_engine(read_settings(PostgresSettings))
    try:
        async with engine.connect(), engine.connect():
            assert REGISTRY.get_sample_value("database_pool_connections_in_use") == 2
            with pytest.raises(PoolTimeout):
                await engine.connect()
        assert REGISTRY.get_sample_value("database_pool_connections_in_use") == 0
        assert REGISTRY.get_sample_value("database_pool_connections_limit") == 2
    finally:
        await engine.dispose()


async def test_behind_a_pooler_nothing_outlives_a_transaction(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_POOLER", "transaction")
    engine = create_engine(read_settings(PostgresSettings))
    setting = text("SELECT current_setting('statement_timeout')")
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"
    try:
        async with engine.connect() as connection:
            assert (await connection.execute(setting)).scalar_one() == "3s"
            assert (await connection.exec_driver_sql(prepared)).scalar_one() == 0
            await connection.commit()
            raw = await connection.get_raw_connection()
            driver = raw.driver_connection
            assert driver is not None
            assert await driver.fetchval(str(setting)) == "0"
    finally:
        await engine.dispose()


async def test_to_open_a_connection_ends_in_time(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("POSTGRES_HOST", "127.0.0.1")
        monkeypatch.setenv("POSTGRES_PORT", str(silent.getsockname()[1]))
        engine = create_engine(read_settings(PostgresSettings))
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable, match="cannot be reached"):
                await engine.connect()
        await engine.dispose()


async def test_a_statement_ends_in_time(database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_STATEMENT_TIMEOUT", "1")
    engine = create_engine(read_settings(PostgresSettings))
    try:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="statement timeout"):
                await connection.execute(text("SELECT pg_sleep(20)"))
    finally:
        await engine.dispose()


async def test_a_statement_that_takes_too_long_is_said(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POSTGRES_STATEMENT_TIMEOUT", "1")
    with service_client(data_app) as client:
        async with engine.begin() as connection:
            await connection.execute(text("LOCK TABLE tests.test_notes"))
            answer = client.get(f"{PATH}/{(hidden := uuid4())}")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "statement timeout" in caplog.text
    assert str(hidden) not in caplog.text.replace(f"{PATH}/{hidden}", "")


def test_every_service_has_metrics(business_api: TestClient, data_server: "DataServer") -> None:
    assert business_api.get(PATH).status_code == 200
    of_data = httpx2.get(f"{data_server.url}/metrics")
    for answer in (business_api.get("/metrics"), of_data):
        assert f'route="{PATH}",status="200"' in answer.text

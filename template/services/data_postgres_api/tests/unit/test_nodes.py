"""Both nodes are asked for a connection at once, and the one that fits is taken."""

import asyncio
from collections.abc import Awaitable, Callable
from unittest.mock import Mock

import asyncpg
import pytest
from asyncpg.connect_utils import SessionAttribute
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.modules import find_modules
from data_postgres_api.database_hooks import nodes, pool
from data_postgres_api.nodes import connect
from data_postgres_api.pool import PoolSettings
from data_postgres_api.settings import PostgresSettings

Answer = Callable[[], Awaitable[asyncpg.Connection]]
SETTINGS = PostgresSettings(host="one,other", password=SecretStr("secret"))


def opened() -> Mock:
    return Mock(spec=asyncpg.Connection)


def answers(connection: Mock, after: float = 0) -> Answer:
    async def answer() -> asyncpg.Connection:
        await asyncio.sleep(after)
        return connection

    return answer


def fails(error: Exception) -> Answer:
    async def answer() -> asyncpg.Connection:
        raise error

    return answer


async def hangs() -> asyncpg.Connection:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


class Nodes:
    """Stands in for the driver: what each host does when it is asked for a connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **hosts: Answer) -> None:
        self._hosts = hosts
        monkeypatch.setattr(asyncpg, "connect", self._connect)

    async def _connect(self, *, host: str, **_: object) -> asyncpg.Connection:
        return await self._hosts[host]()


async def ask() -> asyncpg.Connection:
    return await connect(SETTINGS, PoolSettings(), SessionAttribute.primary)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(hangs, id="hangs"),
        pytest.param(fails(asyncpg.TooManyConnectionsError("full")), id="is full"),
        pytest.param(fails(asyncpg.CannotConnectNowError("starting")), id="starts"),
        pytest.param(fails(asyncpg.TargetServerAttributeNotMatched("standby")), id="is a standby"),
        pytest.param(fails(OSError("no such host")), id="is gone"),
    ],
)
async def test_a_node_that_is_of_no_use_does_not_stand_before_the_other(
    monkeypatch: pytest.MonkeyPatch, first: Answer
) -> None:
    connection = opened()
    Nodes(monkeypatch, one=first, other=answers(connection))
    assert await ask() is connection
    connection.terminate.assert_not_called()


async def test_without_a_node_that_fits_the_database_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standby = asyncpg.TargetServerAttributeNotMatched("standby")
    Nodes(monkeypatch, one=fails(standby), other=fails(standby))
    with pytest.raises(Unavailable) as raised:
        await ask()
    assert raised.value.__cause__ is standby


async def test_a_connection_that_nobody_takes_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [opened(), opened()]
    Nodes(monkeypatch, one=answers(both[0]), other=answers(both[1]))
    taken = await ask()
    await asyncio.sleep(0)
    assert {c.terminate.call_count for c in both if c is taken} == {0}
    assert {c.terminate.call_count for c in both if c is not taken} == {1}


async def test_who_gives_up_leaves_no_connection_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = opened()
    Nodes(monkeypatch, one=hangs, other=answers(connection, after=0.01))
    asking = asyncio.create_task(ask())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
    connection.terminate.assert_not_called()


def test_no_module_is_skipped_for_a_misspelled_name() -> None:
    for module in find_modules("data_postgres_api", "database_hooks/[a-z]*.py"):
        assert {"change_engine", "choose_session"} & vars(module).keys(), module.__name__


def test_a_listener_of_the_team_gets_the_engine_that_is_used() -> None:
    # By its phase, which is 0 without one.
    assert pool.PHASE < nodes.PHASE < 0

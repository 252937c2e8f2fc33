"""Tasks: one of a name at a time, listed, cancelled, and reached by the socket."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from business_worker.tasks import __main__ as command
from business_worker.tasks import manager, socket
from business_worker.tasks.manager import MAX_DETAIL, REMEMBERED, State, Tasks
from business_worker.tasks.socket import Request, ask, served
from chassis.errors import Conflict, NotFound


async def count() -> str:
    return "3 messages"


async def fail() -> str:
    raise ValueError("no paper" + " at all" * 1000)


async def last() -> str:
    await asyncio.sleep(60)
    return "too late"


@asynccontextmanager
async def tasks() -> AsyncIterator[Tasks]:
    async with Tasks({"count": count, "fail": fail, "last": last}) as found:
        yield found


async def test_a_task_says_what_it_has_done_or_why_not() -> None:
    async with tasks() as some:
        done = await some.wait(some.start("count").id)
        failed = await some.wait(some.start("fail").id)
        assert (done.state, done.detail) == (State.DONE, "3 messages")
        assert failed.state == State.FAILED
        assert failed.detail.startswith("no paper at all")
        assert len(failed.detail) == MAX_DETAIL
        assert failed.ended_at is not None
        assert [task.name for task in some.list()] == ["fail", "count"]


async def test_of_each_name_one_runs_at_a_time() -> None:
    async with tasks() as some:
        first = some.start("last")
        with pytest.raises(Conflict, match="runs already, as number 1"):
            some.start("last")
        cancelled = await some.cancel(first.id)
        assert cancelled.state == State.CANCELLED
        assert some.start("last").id == 2


async def test_what_is_unknown_is_said() -> None:
    async with tasks() as some:
        with pytest.raises(NotFound, match="There are: count, fail, last"):
            some.start("cuont")
        with pytest.raises(NotFound, match="number 7"):
            await some.cancel(7)


async def test_what_runs_at_the_end_is_cancelled() -> None:
    async with tasks() as some:
        task = some.start("last")
    assert task.state == State.CANCELLED


async def test_not_all_that_ever_ran_is_remembered() -> None:
    async with tasks() as some:
        for _ in range(REMEMBERED + 5):
            await some.wait(some.start("count").id)
        some.start("count")
        assert len(some.list()) == REMEMBERED + 1


async def until_it_ran(some: Tasks, times: int) -> None:
    for _ in range(1000):
        if len(some.list()) >= times:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"It ran {len(some.list())} times in 10 seconds.")


async def test_a_task_is_repeated_until_the_end() -> None:
    stop = asyncio.Event()
    async with tasks() as some:
        repeating = asyncio.create_task(some.repeat("count", 0.01, stop))
        await until_it_ran(some, 3)
        stop.set()
        await asyncio.wait_for(repeating, 10)


async def test_what_failed_is_tried_again_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "RETRY_SECONDS", 0.01)
    stop = asyncio.Event()
    async with tasks() as some:
        repeating = asyncio.create_task(some.repeat("fail", 3600, stop))
        await until_it_ran(some, 3)
        stop.set()
        await asyncio.wait_for(repeating, 10)


async def test_what_somebody_else_has_started_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(manager, "RETRY_SECONDS", 0.01)
    stop = asyncio.Event()
    async with tasks() as some:
        some.start("fail")
        repeating = asyncio.create_task(some.repeat("fail", 3600, stop))
        await until_it_ran(some, 3)
        stop.set()
        await asyncio.wait_for(repeating, 10)


async def test_a_task_that_takes_long_does_not_hold_up_the_end() -> None:
    stop = asyncio.Event()
    async with tasks() as some:
        repeating = asyncio.create_task(some.repeat("last", 3600, stop))
        await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(repeating, 10)


async def test_an_operator_reaches_them_by_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sock"
    async with tasks() as some, served(some, path):
        started = await ask(Request(action="start", name="last"), path)
        assert [task.state for task in started.tasks] == [State.RUNNING]
        refused = await ask(Request(action="start", name="last"), path)
        assert "runs already" in refused.error
        ended = await ask(Request(action="cancel", id=started.tasks[0].id), path)
        assert [task.state for task in ended.tasks] == [State.CANCELLED]
        listed = await ask(Request(action="list"), path)
        assert [task.name for task in listed.tasks] == ["last"]
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"nonsense\n")
        assert b"This is no request." in await reader.readline()
        writer.close()
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        await ask(Request(action="list"), path)


async def test_an_operator_types_it_and_reads_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tasks.sock"
    monkeypatch.setattr(command, "ask", partial(ask, path=path))

    async def typed(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["tasks", *words])
        return await asyncio.to_thread(command.main)

    async with tasks() as some, served(some, path):
        assert await typed("start", "last") == 0
        assert await typed("start", "last") == 1
        assert await typed("cancel", "1") == 0
        assert await typed("list") == 0
    assert await typed("list") == 1
    said = capsys.readouterr()
    assert [line.split()[:3] for line in said.out.splitlines()] == [
        ["1", "last", "running"],
        ["1", "last", "cancelled"],
        ["1", "last", "cancelled"],
    ]
    assert "runs already, as number 1" in said.err
    assert "The worker does not run here" in said.err


async def test_who_says_nothing_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "SECONDS", 0.1)
    path = tmp_path / "tasks.sock"
    async with asyncio.timeout(2):
        async with tasks() as some, served(some, path):
            _, writer = await asyncio.open_unix_connection(path)
            await asyncio.sleep(0)
        writer.close()


async def test_all_that_is_remembered_fits_into_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sock"
    async with tasks() as some, served(some, path):
        for _ in range(REMEMBERED):
            await some.wait(some.start("fail").id)
        assert len((await ask(Request(action="list"), path)).tasks) == REMEMBERED

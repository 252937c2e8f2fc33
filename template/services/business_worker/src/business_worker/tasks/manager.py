"""Starts, lists and cancels tasks. They live in this process, and end with it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from chassis.errors import Conflict, NotFound, ServiceError
from chassis.process import pause

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[None, None, str]]
"""Does a task, and returns in a few words what was done."""

REMEMBERED = 50
MAX_DETAIL = 500
RETRY_SECONDS = 60
BEAT_SECONDS = 5


class State(StrEnum):
    """Where a task is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Task(BaseModel):
    """A task as it is listed; `detail` is what it has done, or why it failed."""

    id: int
    name: str
    state: State = State.RUNNING
    started_at: datetime
    ended_at: datetime | None = None
    detail: str = ""


class Tasks:
    """The tasks of a process: of each name one runs at a time.

    Use it as an async context manager; what still runs at its end is cancelled.
    """

    def __init__(self, works: Mapping[str, Work]) -> None:
        self._works = works
        self._tasks: dict[int, Task] = {}
        self._running: dict[int, asyncio.Future[str]] = {}
        self._last_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for id_ in list(self._running):
            await self.cancel(id_)

    @property
    def names(self) -> list[str]:
        """What can be started."""
        return sorted(self._works)

    def start(self, name: str) -> Task:
        """Start a task; raise `NotFound` for an unknown one, `Conflict` while it runs already."""
        work = self._works.get(name)
        if work is None:
            raise NotFound(f'There is no task "{name}". There are: {", ".join(self.names)}.')
        if other := self._running_task(name):
            raise Conflict(f'"{name}" runs already, as number {other.id}.')
        self._last_id += 1
        task = Task(id=self._last_id, name=name, started_at=datetime.now(UTC))
        self._tasks[task.id] = task
        running = asyncio.create_task(work(), name=name)
        running.add_done_callback(partial(self._ended, task))
        self._running[task.id] = running
        log.info("task %d %s starts", task.id, name)
        self._forget()
        return task

    def list(self) -> list[Task]:
        """Return what runs and what ran last, the newest first."""
        return sorted(self._tasks.values(), key=lambda task: -task.id)

    async def cancel(self, id_: int) -> Task:
        """Cancel a task and return it once it has ended; raise `NotFound` for an unknown one."""
        task = self._tasks.get(id_)
        if task is None:
            raise NotFound(f"There is no task number {id_}.")
        running = self._running.get(id_)
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        return task

    async def wait(self, id_: int) -> Task:
        """Return a task once it has ended."""
        if running := self._running.get(id_):
            await asyncio.wait([running])
        return self._tasks[id_]

    async def repeat(self, name: str, seconds: float, stop: asyncio.Event) -> None:
        """Run a task until `stop` is set, the first time at once; after a failure sooner again."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            until = loop.time() + seconds
            # If somebody has started it, that does as well.
            task = self._running_task(name) or self.start(name)
            await self._ended_or_told(task, stop)
            if task.state is State.FAILED:
                until = loop.time() + min(seconds, RETRY_SECONDS)
            while not stop.is_set() and (left := until - loop.time()) > 0:
                await pause(stop, min(left, BEAT_SECONDS))

    async def _ended_or_told(self, task: Task, stop: asyncio.Event) -> None:
        told = asyncio.create_task(stop.wait())
        either: list[asyncio.Future[Any]] = [self._running[task.id], told]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()

    def _running_task(self, name: str) -> Task | None:
        found = (self._tasks[id_] for id_ in self._running)
        return next((task for task in found if task.name == name), None)

    def _ended(self, task: Task, running: asyncio.Future[str]) -> None:
        del self._running[task.id]
        task.ended_at = datetime.now(UTC)
        if running.cancelled():
            task.state = State.CANCELLED
        elif error := running.exception():
            task.state, task.detail = State.FAILED, (str(error) or repr(error))[:MAX_DETAIL]
            # That something is away is no mistake; nobody has to hear of it but who looks.
            if not isinstance(error, ServiceError):
                log.error("task %d %s failed", task.id, task.name, exc_info=error)
        else:
            task.state, task.detail = State.DONE, running.result()
        log.info("task %d %s: %s %s", task.id, task.name, task.state, task.detail)

    def _forget(self) -> None:
        ended = [task.id for task in self._tasks.values() if task.ended_at is not None]
        for id_ in ended[:-REMEMBERED]:
            del self._tasks[id_]

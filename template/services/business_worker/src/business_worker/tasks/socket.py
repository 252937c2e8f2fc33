"""How an operator reaches the tasks of a process: by a socket that is in its container alone."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from pydantic import BaseModel, ValidationError

from business_worker.tasks.manager import Task, Tasks
from chassis.errors import ServiceError

log = logging.getLogger(__name__)

SOCKET = Path(gettempdir()) / "tasks.sock"
SECONDS = 5


class Request(BaseModel):
    """What is to be done: `name` says what to start, `id` what to cancel."""

    action: Literal["start", "list", "cancel"]
    name: str = ""
    id: int = 0


class Reply(BaseModel):
    """The tasks that were asked for, or why not."""

    tasks: list[Task] = []
    error: str = ""


@asynccontextmanager
async def served(tasks: Tasks, path: Path = SOCKET) -> AsyncIterator[None]:
    """Answer at `path`, one request a connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Who says nothing, or does not listen, would keep the process from ending.
            async with asyncio.timeout(SECONDS):
                line = await reader.readline()
            writer.write((await _reply(tasks, line)).model_dump_json().encode() + b"\n")
            async with asyncio.timeout(SECONDS):
                await writer.drain()
        except TimeoutError:
            log.warning("somebody has said nothing for %d seconds", SECONDS)
        finally:
            writer.close()

    # What a process that was killed has left there, asyncio takes away.
    async with await asyncio.start_unix_server(answer, path):
        yield


async def ask(request: Request, path: Path = SOCKET) -> Reply:
    """Send a request to the process of this container; raise `OSError` when it does not run."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(request.model_dump_json().encode() + b"\n")
        return Reply.model_validate_json(await reader.read())
    finally:
        writer.close()


async def _reply(tasks: Tasks, line: bytes) -> Reply:
    try:
        request = Request.model_validate_json(line)
        match request.action:
            case "start":
                return Reply(tasks=[tasks.start(request.name)])
            case "cancel":
                return Reply(tasks=[await tasks.cancel(request.id)])
            case "list":
                return Reply(tasks=tasks.list())
    except ValidationError:
        return Reply(error="This is no request.")
    except ServiceError as error:
        return Reply(error=error.detail)

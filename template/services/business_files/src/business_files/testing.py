"""Test doubles: rows in memory, and a server that speaks the protocol of clamd."""

import asyncio
import base64
import io
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zipfile import BadZipFile, ZipFile

from chassis.errors import Conflict, NotFound
from contracts.files import FileChange, FileState, FileWork, StoredFile

# The test virus of EICAR, encoded so that no scanner finds it in this file.
EICAR = base64.b64decode(
    "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
)


class FilesInMemory:
    """The port to the rows, without a data service."""

    def __init__(self) -> None:
        self.stored: dict[UUID, StoredFile] = {}
        self.purged: set[UUID] = set()

    def expect(self, **given: object) -> StoredFile:
        """Store a file whose content has not come yet."""
        now, file_id = datetime.now(UTC), uuid4()
        values: dict[str, object] = {
            "id": file_id,
            "owner": "ada",
            "purpose": "document",
            "filename": "note.txt",
            "declared_type": "text/plain",
            "content_type": None,
            "size": None,
            "max_size": 1000,
            "sha256": None,
            "key": f"document/{file_id}",
            "state": FileState.PENDING,
            "reason": None,
            "version": 1,
            "created_at": now,
            "updated_at": now,
            "attachments": (),
        }
        file = StoredFile.model_validate(values | given)
        self.stored[file.id] = file
        return file

    async def get(self, file_id: UUID) -> StoredFile:
        if file_id not in self.stored:
            raise NotFound(f"There is no file {file_id}.")
        return self.stored[file_id]

    async def change(self, file_id: UUID, change: FileChange) -> StoredFile:
        file = await self.get(file_id)
        if file.version != change.version:
            raise Conflict("Another request was faster.")
        given = change.model_dump(
            include={"state", "key", "content_type", "size", "sha256"}, exclude_none=True
        )
        if change.is_purged:
            self.purged.add(file_id)
        more = {"version": file.version + 1, "reason": change.reason}
        self.stored[file_id] = file.model_copy(update=given | more)
        return self.stored[file_id]

    async def lease(self, work: FileWork, limit: int, seconds: int) -> tuple[StoredFile, ...]:
        gone = {FileState.REJECTED, FileState.EXPIRED, FileState.DELETED}
        wanted = {FileState.UPLOADED} if work == FileWork.VERIFY else gone
        found = [file for file in self.stored.values() if file.state in wanted][:limit]
        if work == FileWork.PURGE:
            found = [file for file in found if file.id not in self.purged]
        return tuple(found)

    async def expire(self, seconds: int) -> tuple[StoredFile, ...]:
        limit = datetime.now(UTC) - timedelta(seconds=seconds)
        late = [
            file
            for file in self.stored.values()
            if file.state == FileState.PENDING and file.created_at <= limit
        ]
        return tuple(
            [
                await self.change(
                    file.id, FileChange(version=file.version, state=FileState.EXPIRED)
                )
                for file in late
            ]
        )

    async def ready(self, after: UUID | None) -> tuple[StoredFile, ...]:
        ready = [file for file in self.stored.values() if file.state == FileState.READY]
        return tuple(file for file in ready if after is None or file.id > after)

    async def known(self, keys: tuple[str, ...]) -> frozenset[str]:
        return frozenset(keys) & {file.key for file in self.stored.values()}


class FakeClamd:
    """Answers INSTREAM and PING as clamd does, for the test virus alone, plain or in a ZIP.

    `limit` is its StreamMaxLength in bytes. While `answers` is false it reads and says nothing, and
    while `fails` is true it cannot scan.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self.limit = limit
        self.answers = True
        self.fails = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            command = await reader.readuntil(b"\0")
            reply = b"PONG" if command == b"zPING\0" else await self._scan(reader)
            if not self.answers:
                await asyncio.sleep(60)
            writer.write(reply + b"\0")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _scan(self, reader: asyncio.StreamReader) -> bytes:
        content = b""
        while size := int.from_bytes(await reader.readexactly(4)):
            content += await reader.readexactly(size)
            if len(content) > self.limit:
                return b"INSTREAM size limit exceeded. ERROR"
        if self.fails:
            return b"stream: Can't allocate memory ERROR"
        found = content == EICAR or EICAR in _entries(content)
        return b"stream: Eicar-Signature FOUND" if found else b"stream: OK"


def _entries(content: bytes) -> list[bytes]:
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            return [archive.read(name) for name in archive.namelist()]
    except (BadZipFile, NotImplementedError, RuntimeError):
        return []


@contextmanager
def clamd() -> Iterator[FakeClamd]:
    """Run a fake clamd in a thread, on a free port."""
    fake, started, stopping = FakeClamd(), threading.Event(), threading.Event()

    async def run() -> None:
        async with await asyncio.start_server(fake.serve, "127.0.0.1", 0) as server:
            fake.port = server.sockets[0].getsockname()[1]
            started.set()
            await asyncio.to_thread(stopping.wait)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait(10)
    try:
        yield fake
    finally:
        stopping.set()
        thread.join(10)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield parts as content that comes in."""
    for part in parts:
        yield part

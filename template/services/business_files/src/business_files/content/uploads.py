"""Receives content: counts, hashes and stores it while it arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from time import perf_counter
from typing import Any
from uuid import uuid4

from starlette.exceptions import HTTPException

from business_files.events import FileEvent, note
from business_files.gateway import FilesGateway
from business_files.settings import TransferSettings
from business_files.store import Objects
from chassis.errors import Conflict, Invalid, NotFound, Unavailable
from contracts.files import FileChange, FileState, StoredFile
from filestore.headers import content_disposition

CAME = frozenset({FileState.UPLOADED, FileState.SCANNING, FileState.READY})


class Uploads:
    """Receives the content of pending files.

    Each attempt has its own key in the store, so concurrent attempts cannot overwrite each other.
    The row records the key of the attempt that won.
    """

    def __init__(self, files: FilesGateway, objects: Objects, settings: TransferSettings) -> None:
        self._files = files
        self._objects = objects
        self._settings = settings
        self._running = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Count a transfer; raise `Unavailable` at the limit of concurrent transfers."""
        if self._running >= self._settings.max_transfers:
            raise Unavailable("Too many files are being transferred. Try again in a moment.")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def take(
        self, file: StoredFile, content: AsyncIterator[bytes], limit: int | None = None
    ) -> StoredFile:
        """Store the content of a file; repeated uploads change nothing.

        `limit` is in bytes and lowers the limit of the file. Raises 413 for more content, 408 for
        an idle client, `Invalid` for content that differs from the announcement, and `Conflict` for
        a file that no longer expects content. In these cases nothing is stored.
        """
        if file.state in CAME:
            return file
        if file.state != FileState.PENDING:
            raise Conflict(f"The file is {file.state}: it expects no content. Announce a new one.")
        most = min(limit or file.max_size, file.max_size if file.size is None else file.size)
        counted = _Counted(content, most, self._settings.idle_seconds)
        key, started, outcome = f"{file.key}.{uuid4().hex}", perf_counter(), "failed"
        try:
            shown = content_disposition(file.filename, file.declared_type)
            headers = {"Content-Type": file.declared_type, "Content-Disposition": shown}
            await self._objects.put(key, counted.chunks(), headers)
            try:
                _check(file, counted)
                stored = await self._uploaded(file, key, counted)
            except (Invalid, Conflict, NotFound):
                with suppress(Unavailable):
                    await self._objects.delete(key)
                raise
            # After any other error it is unknown whether the row has this key. If it does not,
            # the reconciliation deletes the object later.
            outcome = "done"
            return stored
        except (HTTPException, Invalid):
            outcome = "refused"
            raise
        finally:
            took = perf_counter() - started
            declared = file.declared_type
            note(FileEvent("received", file.id, outcome, counted.size, declared, took))

    async def _uploaded(self, file: StoredFile, key: str, counted: "_Counted") -> StoredFile:
        change = FileChange(
            version=file.version,
            state=FileState.UPLOADED,
            key=key,
            size=counted.size,
            sha256=counted.digest.hexdigest(),
        )
        try:
            stored = await self._files.change(file.id, change)
        except Conflict:
            # Another attempt was faster.
            stored = await self._files.get(file.id)
            if stored.state not in CAME:
                raise
            if stored.key != key:
                await self._objects.delete(key)
        return stored


class _Counted:
    """Counts and hashes content while it is read."""

    def __init__(self, content: AsyncIterator[bytes], limit: int, idle_seconds: float) -> None:
        self.size = 0
        self.digest: Any = sha256()
        self._content = content
        self._limit = limit
        self._idle = idle_seconds

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._idle):
                    chunk = await anext(self._content)
            except StopAsyncIteration:
                return
            except TimeoutError:
                detail = f"No content came for {self._idle:g} seconds."
                raise HTTPException(408, detail) from None
            self.size += len(chunk)
            if self.size > self._limit:
                raise HTTPException(413, f"The file has more than {self._limit:,} bytes.")
            if chunk:
                self.digest.update(chunk)
                yield chunk


def _check(file: StoredFile, counted: _Counted) -> None:
    if file.size is not None and counted.size != file.size:
        raise Invalid(f"The content has {counted.size:,} bytes, and not {file.size:,}.")
    if counted.size == 0:
        raise Invalid("The file is empty.")
    if file.sha256 is not None and counted.digest.hexdigest() != file.sha256:
        raise Invalid("The content has another SHA-256 than was announced.")

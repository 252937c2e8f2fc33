"""Copies objects from one store to another as they are: what is encrypted stays encrypted."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any
from uuid import UUID

from business_files.backup.settings import BackupSettings
from business_files.store import Objects, make_store
from chassis.client import ServiceClient
from chassis.errors import Unavailable
from contracts.file_backups import BackupLag, Copied
from contracts.files import StoredFile, StoredFiles
from filestore.keys import derived_folder
from filestore.settings import StoreSettings

PATH = "/api/v1/file-backups"


class Damaged(Unavailable):
    """What was read back from a copy is not what was written."""


def raw(settings: StoreSettings, *, plain: bool = False) -> Objects:
    """Return a store as it is, without what is put around it."""
    return Objects(make_store(settings, plain=plain))


def second_store(settings: BackupSettings) -> Objects | None:
    """Return the second store, None without one."""
    store = settings.store()
    # How the first one encrypts is not how this one does: it has keys of its own, or none.
    return None if store is None else raw(store, plain=True)


class BackupGateway:
    """What the data service knows of copies."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def missing(self) -> AsyncIterator[StoredFile]:
        """Yield files that have no copy."""
        async for file in self._pages("missing"):
            yield file

    async def purged(self) -> AsyncIterator[StoredFile]:
        """Yield files whose bytes are gone, and which have a copy."""
        async for file in self._pages("purged"):
            yield file

    async def _pages(self, which: str) -> AsyncIterator[StoredFile]:
        params: dict[str, str | int] = {}
        while True:
            page = await self._client.call("GET", f"{PATH}/{which}", StoredFiles, params=params)
            for file in page.items:
                yield file
            if not page.items:
                return
            params = {"after": str(page.items[-1].id)}

    async def lag(self) -> BackupLag:
        """Return how many files have no copy, and for how long."""
        return await self._client.call("GET", f"{PATH}/lag", BackupLag)

    async def note(self, file_id: UUID, *, has_copy: bool) -> None:
        """Note whether a file has a copy."""
        body = Copied(has_copy=has_copy)
        await self._client.call("PUT", f"{PATH}/{file_id}", Copied, body=body)


async def copy_file(
    file: StoredFile, source: Objects, target: Objects, checksum: str | None = None
) -> None:
    """Copy an object and what is made from it, and read the copy back.

    With `checksum`, the bytes have to have that SHA-256. Raises `Damaged` when they have not, or
    when the copy is not the same, and `FileNotFoundError` without an object.
    """
    await _copy(file.key, source, target, checksum)
    async for part in source.list(derived_folder(file.key)):
        for each in part:
            await _copy(each["path"], source, target)


async def restore_file(file: StoredFile, source: Objects, target: Objects) -> bool:
    """Copy back what is missing of a file; return whether anything was.

    Raises `FileNotFoundError` when there is no copy of it either.
    """
    keys = [file.key]
    async for part in source.list(derived_folder(file.key)):
        keys += [each["path"] for each in part]
    missing = [key for key in keys if not await _is_there(key, target)]
    for key in missing:
        await _copy(key, source, target)
    return bool(missing)


async def _is_there(key: str, objects: Objects) -> bool:
    try:
        await objects.size(key)
    except FileNotFoundError:
        return False
    return True


async def _copy(key: str, source: Objects, target: Objects, checksum: str | None = None) -> None:
    written, read = sha256(), sha256()
    await source.size(key)  # an error of the source, before the target is asked for anything
    await target.put(key, _hashed(source.read(key), written))
    if checksum not in (None, written.hexdigest()):
        raise Damaged(f"The content of {key} is not what was verified.")
    async for chunk in target.read(key):
        read.update(chunk)
    if written.digest() != read.digest():
        raise Damaged(f"The copy of {key} is not what was copied.")


async def _hashed(content: AsyncIterator[bytes], digest: Any) -> AsyncIterator[bytes]:
    async for chunk in content:
        digest.update(chunk)
        yield chunk

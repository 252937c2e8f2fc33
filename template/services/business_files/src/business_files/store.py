"""The object store: a local folder or a bucket, through obstore. Content is always streamed."""

import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from chassis.errors import Unavailable
from chassis.modules import find_hooks
from filestore.keys import derived_folder
from filestore.settings import StoreSettings

CHUNK = 1 << 20


class Objects:
    """Objects by their keys. Methods raise `Unavailable` when the store fails."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(
        self, key: str, content: AsyncIterator[bytes], headers: Mapping[str, str] | None = None
    ) -> None:
        """Store `content` at `key`. If `content` raises, nothing is stored and the error is raised.

        A bucket serves the object with `headers` to clients that read it directly, such as a CDN.
        """
        attributes: Any = headers if isinstance(self._store, S3Store) else None
        try:
            with _working():
                await obstore.put_async(
                    self._store, key, content, chunk_size=8 * CHUNK, attributes=attributes
                )
        except FileNotFoundError as error:
            raise Unavailable("The object store has no such bucket.") from error

    async def copy(self, key: str, target: str) -> None:
        """Copy an object within the store; raise `FileNotFoundError` for none."""
        with _working():
            await obstore.copy_async(self._store, key, target)

    async def size(self, key: str) -> int:
        """Return how many bytes there are; raise `FileNotFoundError` for no object."""
        with _working():
            return int((await obstore.head_async(self._store, key))["size"])

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` up to `end`; raise `FileNotFoundError` for no object."""
        if end is not None and end <= start:
            return
        options: Any = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        with _working():
            found = await obstore.get_async(self._store, key, options=options)
            async for chunk in found.stream(min_chunk_size=CHUNK):
                yield bytes(chunk)

    async def delete(self, key: str) -> None:
        """Delete an object and everything derived from it; missing objects are ignored."""
        async for part in self.list(derived_folder(key)):
            for each in part:
                await self._delete(each["path"])
        await self._delete(key)

    async def _delete(self, key: str) -> None:
        with _working(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def list(self, folder: str | None = None) -> AsyncIterator[list[Any]]:
        """Yield the metadata of all objects, or of those in a folder, in pages of a thousand."""
        with _working():
            async for part in obstore.list(self._store, folder, chunk_size=1000):
                yield list(part)

    def reader(self, key: str) -> io.BufferedReader:
        """Return a seekable file; use it in a thread."""
        with _working():
            return io.BufferedReader(_Reader(obstore.open_reader(self._store, key)))

    async def check(self) -> None:
        """Raise `Unavailable` unless the store answers."""
        try:
            async for _ in self.list("ready"):
                return
        except FileNotFoundError as error:
            raise Unavailable("The object store has no such bucket.") from error


def make_objects(settings: StoreSettings) -> Objects:
    """Return the configured object store, wrapped by the modules in the folder `store_hooks`."""
    objects = Objects(make_store(settings))
    for wrap in find_hooks("business_files", "store_hooks", "wrap_objects"):
        objects = wrap(objects)
    return objects


def make_store(settings: StoreSettings, *, plain: bool = False) -> ObjectStore:
    """Return the configured folder or bucket.

    A `plain` store ignores the modules in the folder `put_headers`.
    """
    if settings.store == "local":
        return LocalStore(settings.folder, mkdir=True)
    config: Any = {}
    if not plain:
        for more in find_hooks("filestore", "put_headers", "store_config"):
            config |= more()
    return S3Store(
        settings.s3_bucket,
        config=config,
        endpoint=settings.endpoint,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key,
        secret_access_key=settings.s3_secret_key.get_secret_value(),
        # S3-compatible servers expect the bucket in the path.
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": settings.endpoint.startswith("http:"),
            "connect_timeout": "2s",
            "timeout": "60s",
        },
        retry_config={"max_retries": 2},
    )


class _Reader(io.RawIOBase):
    """Adapts a file of obstore, whose reads do not return `bytes`, to the interface of Python."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with _working():
            found = bytes(self._file.read(len(buffer)))
        buffer[: len(found)] = found
        return len(found)


@contextmanager
def _working() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise Unavailable("The object store does not work at the moment.") from error

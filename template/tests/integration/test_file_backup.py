"""Content is copied to a second bucket and comes back; buckets encrypt, and are not believed."""

import asyncio
import http.client
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from business_files.backup import __main__ as restoring
from business_files.backup.copies import BackupGateway, Damaged, copy_file, raw
from business_files.candidate import Candidate, Refused
from business_files.checks import encryption
from business_files.gateway import FilesGateway
from business_files.scanner import Scanner
from business_files.settings import ScannerSettings, WorkerSettings
from business_files.store import Objects, make_objects
from business_files.tasks import backup
from business_files.testing import FilesInMemory, chunks
from business_files.worker.context import Work
from chassis.client import ServiceClient
from chassis.security.service_tokens import sign_calls_as
from contracts.files import FileChange, FileState, NewFile, StoredFile
from filestore.links import put_headers
from filestore.settings import StoreSettings
from filestore.sigv4 import presign_put
from tests.integration.test_file_store import bucket

if TYPE_CHECKING:
    from conftest import DataServer

__all__ = ["bucket"]


def ready(content: bytes) -> StoredFile:
    """Return the row of a file that is ready."""
    rows = FilesInMemory()
    checksum = sha256(content).hexdigest()
    return rows.expect(state=FileState.READY, size=len(content), sha256=checksum)


async def read(objects: Objects, key: str) -> bytes:
    return b"".join([part async for part in objects.read(key)])


async def test_content_is_copied_with_its_sizes_and_comes_back(
    bucket: StoreSettings, tmp_path: Path
) -> None:
    first, second = raw(bucket), raw(StoreSettings(folder=tmp_path))
    content = b"what must not be lost " * 1000
    file = ready(content)
    derived = f"derived/{file.key}/small"
    await first.put(file.key, chunks(content))
    await first.put(derived, chunks(b"small"))
    await copy_file(file, first, second)
    await first.delete(file.key)
    with pytest.raises(FileNotFoundError):
        await first.size(file.key)
    await copy_file(file, second, first)
    assert await read(first, file.key) == content
    assert await read(first, derived) == b"small"


async def test_a_copy_that_is_not_the_same_is_found(tmp_path: Path) -> None:
    class Rotten(Objects):
        async def put(self, key: str, content: Any, headers: Any = None) -> None:
            await super().put(key, chunks(b"something else"))
            async for _ in content:
                pass

    source = raw(StoreSettings(folder=tmp_path / "first"))
    target = Rotten(raw(StoreSettings(folder=tmp_path / "second"))._store)
    file = ready(b"a")
    await source.put(file.key, chunks(b"a"))
    with pytest.raises(Damaged):
        await copy_file(file, source, target)


async def test_what_is_not_what_was_verified_is_not_copied(tmp_path: Path) -> None:
    source, target = (raw(StoreSettings(folder=tmp_path / name)) for name in ("first", "second"))
    file = ready(b"a")
    await source.put(file.key, chunks(b"b"))
    with pytest.raises(Damaged, match="verified"):
        await copy_file(file, source, target, file.sha256)


async def test_without_an_object_there_is_no_copy(tmp_path: Path) -> None:
    store = raw(StoreSettings(folder=tmp_path))
    with pytest.raises(FileNotFoundError):
        await copy_file(ready(b"a"), store, store)


@pytest.fixture
def encrypting(bucket: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> StoreSettings:
    """The bucket, which is asked to encrypt."""
    monkeypatch.setenv("FILES_STORE", "s3")
    monkeypatch.setenv("FILES_S3_ENDPOINT", bucket.endpoint)
    monkeypatch.setenv("FILES_S3_ACCESS_KEY", "test")
    monkeypatch.setenv("FILES_S3_SECRET_KEY", "secret")
    monkeypatch.setenv("FILES_ENCRYPTION", "AES256")
    return bucket


async def check(settings: StoreSettings, key: str) -> None:
    file = ready(b"hello").model_copy(update={"key": key})
    await encryption.check(Candidate(file, make_objects(settings), WorkerSettings()))


def sent(url: str, headers: dict[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("PUT", f"{parts.path}?{parts.query}", body, headers)
    return connection.getresponse().status


async def test_what_is_stored_is_encrypted_by_the_bucket(encrypting: StoreSettings) -> None:
    key = f"document/{uuid4()}"
    await make_objects(encrypting).put(key, chunks(b"hello"))
    await check(encrypting, key)


async def test_a_client_cannot_leave_the_encryption_out(encrypting: StoreSettings) -> None:
    key = f"document/{uuid4()}"
    url, headers = presign_put(encrypting, key, 60, 5, "text/plain", None, put_headers())
    plain = {"Content-Type": "text/plain", "If-None-Match": "*"}
    assert await asyncio.to_thread(sent, url, plain, b"hello") == 403
    assert await asyncio.to_thread(sent, url, headers, b"hello") == 200
    await check(encrypting, key)


async def test_what_is_not_encrypted_is_refused(
    encrypting: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"document/{uuid4()}"
    monkeypatch.setenv("FILES_ENCRYPTION", "none")
    await make_objects(encrypting).put(key, chunks(b"hello"))
    monkeypatch.setenv("FILES_ENCRYPTION", "AES256")
    with pytest.raises(Refused, match="not encrypted"):
        await check(encrypting, key)


@pytest.fixture
async def work(
    data_server: "DataServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Work]:
    """The background process on the real data service, with two folders as its stores."""
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    monkeypatch.setenv("FILES_FOLDER", str(tmp_path / "first"))
    monkeypatch.setenv("FILES_BACKUP_FOLDER", str(tmp_path / "second"))
    # The key of tests is that of the business service.
    monkeypatch.setattr(restoring, "NAME", "business_api")
    sign_calls_as("business_api")
    settings = WorkerSettings()
    async with ServiceClient("data service", data_server.url, 5) as client:
        objects = raw(StoreSettings(folder=tmp_path / "first"))
        scanner = Scanner(ScannerSettings(kind="off"))
        yield Work(client, FilesGateway(client), objects, scanner, settings)


async def made_ready(work: Work, content: bytes) -> StoredFile:
    """Store a file that is ready."""
    file_id = uuid4()
    new = NewFile(
        owner="ada",
        purpose="document",
        filename="a.txt",
        declared_type="text/plain",
        size=len(content),
        max_size=1000,
    )
    file = await work.client.call("PUT", f"/api/v1/files/{file_id}", StoredFile, body=new)
    await work.objects.put(file.key, chunks(content))
    change = FileChange(version=1, state=FileState.READY, content_type="text/plain")
    return await work.files.change(file_id, change)


async def test_what_the_store_has_lost_comes_back(work: Work, tmp_path: Path) -> None:
    second = raw(StoreSettings(folder=tmp_path / "second"))
    files = [await made_ready(work, content) for content in (b"one", b"two")]
    lost = await made_ready(work, b"lost")
    await work.objects.delete(lost.key)
    await backup.run(work)
    assert [await read(second, file.key) for file in files] == [b"one", b"two"]
    assert (await BackupGateway(work.client).lag()).files == 1
    await gone(work, lost)
    for file in files:
        await work.objects.delete(file.key)
    assert await restoring.restore() == 0
    assert [await read(work.objects, file.key) for file in files] == [b"one", b"two"]
    # Without a copy it says so, and brings back the others.
    for file in files:
        await work.objects.delete(file.key)
    await second.delete(files[0].key)
    assert await restoring.restore() == 1
    assert await read(work.objects, files[1].key) == b"two"
    for file in files:
        await gone(work, file)


async def test_a_copy_goes_when_its_file_has_been_purged(work: Work, tmp_path: Path) -> None:
    second = raw(StoreSettings(folder=tmp_path / "second"))
    file = await made_ready(work, b"one")
    await backup.run(work)
    file = await work.files.get(file.id)
    deleted = FileChange(version=file.version, state=FileState.DELETED)
    file = await work.files.change(file.id, deleted)
    await backup.run(work)
    assert await second.size(file.key) == 3
    purged = FileChange(version=file.version, state=FileState.DELETED, is_purged=True)
    await work.files.change(file.id, purged)
    await backup.run(work)
    with pytest.raises(FileNotFoundError):
        await second.size(file.key)


async def gone(work: Work, file: StoredFile) -> None:
    """Let no other test find a file that has no content."""
    now = await work.files.get(file.id)
    change = FileChange(version=now.version, state=FileState.DELETED, is_purged=True)
    await work.files.change(file.id, change)

"""A file is ready when all that can be known of its content was looked at."""

import base64
import io
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from business_files.scanner import Scanner
from business_files.settings import ScannerSettings, WorkerSettings
from business_files.store import make_objects
from business_files.tasks import reconciling, sweeping
from business_files.testing import EICAR, FakeClamd, FilesInMemory, chunks, clamd
from business_files.worker.context import Work
from business_files.worker.verification import Verification
from contracts.files import FileState, StoredFile
from filestore.settings import StoreSettings

# Images of one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAP8AAP8AACwAAAAAAQABAAACAkQBADs=")


@pytest.fixture
def fake() -> Iterator[FakeClamd]:
    with clamd() as server:
        yield server


@pytest.fixture
def work(fake: FakeClamd, tmp_path: Path) -> Work:
    rows: Any = FilesInMemory()
    client: Any = None
    scanner = Scanner(ScannerSettings(host="127.0.0.1", port=fake.port, scan_seconds=1))
    objects = make_objects(StoreSettings(folder=tmp_path))
    settings = WorkerSettings(
        orphan_hours=1e-9,
        pending_hours=1e-9,
        max_unpacked_bytes=100_000,
        max_archive_entries=100,
    )
    return Work(client, rows, objects, scanner, settings)


async def uploaded(work: Work, content: bytes, **given: object) -> StoredFile:
    """Return a file whose content has come."""
    rows: Any = work.files
    # As the files service stores it, under a key of each attempt.
    key = f"document/{uuid4()}.1"
    given = {"state": FileState.UPLOADED, "max_size": 10_000_000, "key": key} | given
    file: StoredFile = rows.expect(**given)
    await work.objects.put(file.key, chunks(content))
    return file


async def verified(work: Work, content: bytes, declared: str, **given: object) -> StoredFile:
    """Return what became of a file."""
    file = await uploaded(work, content, declared_type=declared, **given)
    await Verification(work).verify(file)
    return await work.files.get(file.id)


def archive(*names: str, content: bytes = b"a") -> bytes:
    """Return a ZIP archive."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as zipped:
        for name in names:
            zipped.writestr(name, content)
    return file.getvalue()


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b"name,age\nada,36\n", "text/csv"),
        ("gr\u00fc\u00dfe".encode(), "text/plain"),
        (PNG, "image/png"),
        (GIF, "image/gif"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        (archive("a.txt"), "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), WORD),
        (archive("[Content_Types].xml", "word/document.xml"), "application/zip"),
    ],
)
async def test_what_was_declared_is_ready(work: Work, content: bytes, declared: str) -> None:
    file = await verified(work, content, declared)
    assert (file.state, file.reason) == (FileState.READY, None)
    assert (file.content_type, file.size) == (declared, len(content))
    assert file.sha256 == sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "text/plain"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html>", "text/plain"),
        (b"<?xml version='1.0'?>", "text/csv"),
        (b"a\0b", "text/plain"),
        (b"\xff\xfe", "text/plain"),
        (b"hello", "application/pdf"),
        (b"%PDF-1.7\n%\xe2\xe3", "image/png"),
        (PNG, "image/jpeg"),
        (archive("a.txt"), WORD),
        (b"PK\x03\x04" + bytes(100), "application/zip"),
        (archive("big", content=bytes(200_000)), "application/zip"),
        # What a program takes for an archive, whatever is before it.
        (b"PK\x05\x06" + bytes(18) + archive("big", content=bytes(200_000)), "application/zip"),
        (b"PK\x07\x08" + archive("big", content=bytes(200_000)), "application/zip"),
        (b"%PDF-1.7\n%\xe2" + archive("big", content=bytes(200_000)), "application/pdf"),
        (archive(*(str(number) for number in range(200))), "application/zip"),
        (b"<!-- --><html>", "text/plain"),
    ],
)
async def test_other_content_is_rejected(work: Work, content: bytes, declared: str) -> None:
    file = await verified(work, content, declared)
    assert file.state == FileState.REJECTED
    assert file.reason


async def test_a_virus_is_found(work: Work) -> None:
    for content, declared in (
        (EICAR, "text/plain"),
        (archive("a.txt", content=EICAR), "application/zip"),
    ):
        file = await verified(work, content, declared)
        assert file.state == FileState.REJECTED
        assert "Eicar" in str(file.reason)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"size": 10}, "more than 10"),
        ({"size": 12}, "11 bytes, and not 12"),
        ({"sha256": "ab" * 32}, "SHA-256"),
        ({"max_size": 10}, "more than 10"),
    ],
)
async def test_a_store_is_not_believed(work: Work, given: dict[str, Any], reason: str) -> None:
    file = await verified(work, b"hello world", "text/plain", **given)
    assert file.state == FileState.REJECTED
    assert reason in str(file.reason)


async def test_what_the_scanner_does_not_take_is_rejected(work: Work, fake: FakeClamd) -> None:
    fake.limit = 5
    file = await verified(work, b"hello world", "text/plain")
    assert (file.state, "larger than" in str(file.reason)) == (FileState.REJECTED, True)


async def test_without_a_verdict_nothing_is_ready(work: Work, fake: FakeClamd) -> None:
    fake.answers = False
    file = await verified(work, b"hello world", "text/plain")
    assert file.state == FileState.SCANNING
    fake.answers = True
    await Verification(work).verify(file)
    assert (await work.files.get(file.id)).state == FileState.READY


async def test_content_that_is_not_there_may_still_come(work: Work) -> None:
    rows: Any = work.files
    file = rows.expect(state=FileState.UPLOADED)
    await Verification(work).verify(file)
    assert (await work.files.get(file.id)).state == FileState.PENDING


async def test_what_a_client_can_still_write_is_not_what_is_offered(work: Work) -> None:
    """By a link of the bucket, content comes to a place that the client knows."""
    rows: Any = work.files
    file = rows.expect(state=FileState.UPLOADED, size=5)
    await work.objects.put(file.key, chunks(b"hello"))
    await Verification(work).verify(file)
    ready = await work.files.get(file.id)
    assert (ready.state, ready.key == file.key) == (FileState.READY, False)
    await work.objects.put(file.key, chunks(b"other"))
    assert b"".join([part async for part in work.objects.read(ready.key)]) == b"hello"


async def test_a_copy_of_what_is_rejected_is_not_kept(work: Work, tmp_path: Path) -> None:
    rows: Any = work.files
    file = rows.expect(state=FileState.UPLOADED, size=4)
    await work.objects.put(file.key, chunks(b"hello"))
    await Verification(work).verify(file)
    assert os.listdir(tmp_path / "document") == [file.key.rpartition("/")[2]]


@pytest.mark.parametrize("kept", [0, 5])
async def test_many_objects_of_no_file_are_a_mistake_of_ours(
    work: Work, caplog: pytest.LogCaptureFixture, kept: int
) -> None:
    """Such as an empty database: then nothing is deleted."""
    for _ in range(kept):
        await uploaded(work, b"kept", state=FileState.READY)
    for number in range(25 if kept else 1):
        await work.objects.put(f"document/{number}", chunks(b"a"))
    await reconciling.run(work)
    assert await work.objects.size("document/0") == 1
    assert "nothing is deleted" in caplog.text


async def test_a_file_that_changes_meanwhile_is_left_alone(work: Work) -> None:
    file = await uploaded(work, b"hello")
    deleted = file.model_copy(update={"version": 2, "state": FileState.DELETED})
    rows: Any = work.files
    rows.stored[file.id] = deleted
    await Verification(work).verify(file)
    assert rows.stored[file.id] == deleted


async def test_what_never_came_and_what_is_gone_is_swept(work: Work, tmp_path: Path) -> None:
    rows: Any = work.files
    pending = rows.expect()
    gone = await uploaded(work, b"gone", state=FileState.DELETED)
    kept = await uploaded(work, b"kept", state=FileState.READY)
    await sweeping.run(work)
    assert rows.stored[pending.id].state == FileState.EXPIRED
    assert rows.purged == {pending.id, gone.id}
    assert os.listdir(tmp_path / "document") == [kept.key.rpartition("/")[2]]


async def test_objects_of_no_file_are_deleted_and_lost_ones_reported(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    kept = await uploaded(work, b"kept", state=FileState.READY)
    lost = await uploaded(work, b"lost", state=FileState.READY)
    await work.objects.delete(lost.key)
    await work.objects.put("document/late", chunks(b"a late upload"))
    await reconciling.run(work)
    with pytest.raises(FileNotFoundError):
        await work.objects.size("document/late")
    assert await work.objects.size(kept.key) == 4
    assert f"file {lost.id} orphaned: missing" in caplog.text
    assert str(kept.id) not in caplog.text


async def test_an_archive_with_a_comment_is_read(work: Work) -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as zipped:
        zipped.writestr("a.txt", b"a")
        zipped.comment = b"c" * 5000
    assert (await verified(work, file.getvalue(), "application/zip")).state == FileState.READY

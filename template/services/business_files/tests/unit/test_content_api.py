"""Content comes in and goes out by links, on a store in a folder."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from business_files.content.uploads import Uploads
from business_files.main import app
from business_files.settings import TransferSettings
from business_files.testing import FilesInMemory
from chassis.body_limit import MAX_BODY_BYTES
from chassis.errors import TooSlow, Unavailable
from chassis.testing import service_client
from contracts.files import FileChange, FileState, StoredFile
from filestore.links import ServiceLinks

TEXT = b"hello world"


@pytest.fixture
def rows() -> FilesInMemory:
    return FilesInMemory()


@pytest.fixture
def client(
    rows: FilesInMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("FILES_LINK_KEY", "k" * 48)
    monkeypatch.setenv("FILES_FOLDER", str(tmp_path))
    monkeypatch.setenv("FILES_IDLE_SECONDS", "5")
    with service_client(app) as client:
        app.state.files = rows
        settings = TransferSettings(max_transfers=1)
        app.state.uploads = Uploads(rows, app.state.objects, settings)  # type: ignore[arg-type]
        yield client


def link(method: str, file: StoredFile, seconds: int = 60) -> str:
    """Return a link to the content of a file."""
    links: ServiceLinks = app.state.links
    return links.sign(method, f"/api/v1/content/{file.id}", seconds).url


def ready(rows: FilesInMemory, client: TestClient, **given: object) -> StoredFile:
    """Return a file that is ready, with content."""
    file = rows.expect(**given)
    assert client.put(link("PUT", file), content=TEXT).status_code == 202
    rows.stored[file.id] = rows.stored[file.id].model_copy(
        update={"state": FileState.READY, "content_type": file.declared_type}
    )
    return rows.stored[file.id]


def stored(folder: Path) -> list[Path]:
    """Return the objects in the store."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_sent_comes_back(rows: FilesInMemory, client: TestClient) -> None:
    file = ready(rows, client, filename="Brief für Ada.txt")
    assert (file.size, file.sha256) == (11, sha256(TEXT).hexdigest())
    answer = client.get(link("GET", file))
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-disposition"].startswith('attachment; filename="Brief f_r')
    head = client.head(link("GET", file))
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "11", b"")


def test_content_is_larger_than_bodies_of_other_services(
    rows: FilesInMemory, client: TestClient
) -> None:
    content = bytes(MAX_BODY_BYTES + 1)
    file = rows.expect(max_size=2 * MAX_BODY_BYTES)
    assert client.put(link("PUT", file), content=content).status_code == 202


@pytest.mark.parametrize(
    ("asked", "status", "content", "part"),
    [
        ("bytes=0-4", 206, b"hello", "bytes 0-4/11"),
        ("bytes=6-", 206, b"world", "bytes 6-10/11"),
        ("bytes=-5", 206, b"world", "bytes 6-10/11"),
        ("bytes=6-1000", 206, b"world", "bytes 6-10/11"),
        ("bytes=11-", 416, None, "bytes */11"),
        ("bytes=-0", 416, None, "bytes */11"),
        ("bytes=5-2", 200, TEXT, None),
        ("bytes=0-1,3-4", 200, TEXT, None),
        ("lines=1-2", 200, TEXT, None),
    ],
)
def test_a_part(
    rows: FilesInMemory,
    client: TestClient,
    asked: str,
    status: int,
    content: bytes | None,
    part: str | None,
) -> None:
    answer = client.get(link("GET", ready(rows, client)), headers={"Range": asked})
    assert answer.status_code == status
    assert content in (None, answer.content)
    assert answer.headers.get("content-range") == part


def test_what_a_client_has_is_not_sent_again(rows: FilesInMemory, client: TestClient) -> None:
    url = link("GET", ready(rows, client))
    etag = client.get(url).headers["etag"]
    same = client.get(url, headers={"If-None-Match": f'"other", {etag}'})
    assert (same.status_code, same.content) == (304, b"")
    changed = client.get(url, headers={"If-Range": '"other"', "Range": "bytes=0-4"})
    assert (changed.status_code, changed.content) == (200, TEXT)


@pytest.mark.parametrize("state", [state for state in FileState if state != FileState.READY])
def test_only_what_is_ready_is_served(
    rows: FilesInMemory, client: TestClient, state: FileState
) -> None:
    file = rows.expect(state=state, size=11)
    answer = client.get(link("GET", file))
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_object_that_is_gone_is_an_error_and_no_empty_file(
    rows: FilesInMemory, client: TestClient, tmp_path: Path
) -> None:
    file = ready(rows, client)
    stored(tmp_path)[0].unlink()
    assert client.get(link("GET", file)).status_code == 503


def test_without_a_link_nothing_is_taken_or_given(rows: FilesInMemory, client: TestClient) -> None:
    file = rows.expect()
    path = f"/api/v1/content/{file.id}"
    assert client.put(path, content=TEXT).status_code == 422
    for url in (link("GET", file), link("PUT", file, -1), f"{path}?expires=1&signature=x"):
        assert client.put(url, content=TEXT).status_code == 403
    assert client.get(link("PUT", file)).status_code == 403
    assert rows.stored[file.id].state == FileState.PENDING


@pytest.mark.parametrize(
    ("given", "content", "status"),
    [
        ({"max_size": 10}, TEXT, 413),
        ({"size": 10}, TEXT, 413),
        ({"size": 12}, TEXT, 422),
        ({"sha256": "ab" * 32}, TEXT, 422),
        ({}, b"", 422),
        ({"state": FileState.EXPIRED}, TEXT, 409),
        ({"state": FileState.REJECTED}, TEXT, 409),
    ],
)
@pytest.mark.parametrize("is_announced", [True, False])
def test_other_content_than_was_announced_is_not_kept(
    rows: FilesInMemory,
    client: TestClient,
    tmp_path: Path,
    given: dict[str, object],
    content: bytes,
    status: int,
    is_announced: bool,
) -> None:
    file = rows.expect(**given)
    pieces = content if is_announced else iter([content[:5], content[5:]])
    assert client.put(link("PUT", file), content=pieces).status_code == status
    assert rows.stored[file.id] == file
    assert stored(tmp_path) == []


def test_content_that_is_sent_again_changes_nothing(
    rows: FilesInMemory, client: TestClient, tmp_path: Path
) -> None:
    file = rows.expect()
    for content in (TEXT, b"other"):
        assert client.put(link("PUT", file), content=content).status_code == 202
    assert [path.read_bytes() for path in stored(tmp_path)] == [TEXT]


def test_a_file_that_is_not_there(client: TestClient) -> None:
    path = f"/api/v1/content/{uuid4()}"
    url = app.state.links.sign("PUT", path, 60).url
    assert client.put(url, content=TEXT).status_code == 404


async def test_transfers_are_bounded(rows: FilesInMemory, client: TestClient) -> None:
    uploads: Uploads = app.state.uploads
    async with uploads.place():
        answer = client.put(link("PUT", rows.expect()), content=TEXT)
        assert (answer.status_code, "Too many" in answer.json()["detail"]) == (503, True)
    assert client.put(link("PUT", rows.expect()), content=TEXT).status_code == 202


def test_the_data_service_is_away(
    rows: FilesInMemory, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("The data service cannot be reached.")

    file = rows.expect()
    with monkeypatch.context() as patch:
        patch.setattr(rows, "change", away)
        assert client.put(link("PUT", file), content=TEXT).status_code == 503
    assert client.put(link("PUT", file), content=TEXT).status_code == 202
    assert rows.stored[file.id].key.rpartition("/")[2] in {path.name for path in stored(tmp_path)}


def test_an_answer_that_was_lost_loses_no_content(
    rows: FilesInMemory, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was changed, and nobody heard of it: its object has to stay."""
    change = rows.change

    async def lost(file_id: UUID, wanted: FileChange) -> StoredFile:
        await change(file_id, wanted)
        raise TooSlow("The data service did not answer in time.")

    file = rows.expect()
    with monkeypatch.context() as patch:
        patch.setattr(rows, "change", lost)
        assert client.put(link("PUT", file), content=TEXT).status_code == 504
    assert client.put(link("PUT", file), content=TEXT).status_code == 202
    assert [path.read_bytes() for path in stored(tmp_path)] == [TEXT]

"""The public API for files, on rows in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from business_api.files import router, subjects, use_cases
from business_api.files.names import clean_name
from business_api.files.router import get_files, get_links
from business_api.main import app
from chassis.client import ServiceClient
from chassis.errors import NotFound
from chassis.settings import SettingsError
from chassis.testing import service_client
from contracts.files import (
    FileChange,
    FileQuery,
    FileState,
    NewFile,
    StoredFile,
    StoredFiles,
    SubjectRef,
)

TEXT = {"filename": "note.txt", "content_type": "text/plain", "purpose": "document", "size": 11}


class FilesInMemory:
    """The port of the use cases, without a data service."""

    def __init__(self) -> None:
        self.stored: dict[UUID, StoredFile] = {}

    async def create(self, file_id: UUID, file: NewFile) -> StoredFile:
        now = datetime.now(UTC)
        attachments = () if file.subject is None else (file.subject,)
        new = StoredFile(
            id=file_id,
            content_type=None,
            key=f"{file.purpose}/{file_id}",
            state=FileState.PENDING,
            reason=None,
            version=1,
            created_at=now,
            updated_at=now,
            attachments=attachments,
            **file.model_dump(exclude={"subject"}),
        )
        return self.stored.setdefault(file_id, new)

    async def get(self, file_id: UUID) -> StoredFile:
        if file_id not in self.stored or self.stored[file_id].state == FileState.DELETED:
            raise NotFound(f"There is no file {file_id}.")
        return self.stored[file_id]

    async def list(self, query: FileQuery) -> StoredFiles:
        return StoredFiles(items=tuple(self.stored.values()))

    async def change(self, file_id: UUID, change: FileChange) -> StoredFile:
        more = {"state": change.state, "version": change.version + 1}
        self.stored[file_id] = self.stored[file_id].model_copy(update=more)
        return self.stored[file_id]

    async def attach(self, file_id: UUID, subject: SubjectRef) -> StoredFile:
        more = {"attachments": (*self.stored[file_id].attachments, subject)}
        self.stored[file_id] = self.stored[file_id].model_copy(update=more)
        return self.stored[file_id]

    async def detach(self, file_id: UUID, subject: SubjectRef) -> StoredFile:
        left = tuple(each for each in self.stored[file_id].attachments if each != subject)
        self.stored[file_id] = self.stored[file_id].model_copy(update={"attachments": left})
        return self.stored[file_id]


class Things:
    """Things with even numbers are the caller's; others are not there for them."""

    type = "thing"

    async def may_attach(self, client: ServiceClient, subject_id: str) -> str:
        await self.may_read(client, subject_id)
        return "owner-of-things"

    async def may_read(self, client: ServiceClient, subject_id: str) -> None:
        if int(subject_id) % 2:
            raise NotFound(f"There is no thing {subject_id}.")


@pytest.fixture
def rows() -> FilesInMemory:
    return FilesInMemory()


@pytest.fixture
def client(rows: FilesInMemory, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("FILES_LINK_KEY", "k" * 48)
    monkeypatch.setenv("FILES_PUBLIC_URL", "https://files.example")
    monkeypatch.setattr(subjects, "subject_kinds", lambda: {"thing": Things()})
    # What other levels hook into this has tests of its own.
    for module in (use_cases, router):
        monkeypatch.setattr(module, "find_hooks", lambda *_: [])
    app.dependency_overrides[get_files] = lambda: rows
    get_links.cache_clear()
    with service_client(app) as client:
        yield client
    app.dependency_overrides.clear()
    get_links.cache_clear()


def announce(client: TestClient, **other: object) -> str:
    answer = client.post("/api/v1/uploads", json=TEXT | other)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def make_ready(rows: FilesInMemory, file_id: str) -> None:
    key = UUID(file_id)
    rows.stored[key] = rows.stored[key].model_copy(update={"state": FileState.READY})


def test_an_upload_is_a_link(rows: FilesInMemory, client: TestClient) -> None:
    answer = client.post("/api/v1/uploads", json=TEXT | {"filename": "../../etc/note.txt"}).json()
    assert (answer["method"], answer["state"]) == ("PUT", "pending")
    assert answer["url"].startswith(f"https://files.example/api/v1/content/{answer['id']}?")
    assert answer["headers"] == {"Content-Type": "text/plain"}
    file = client.get(f"/api/v1/files/{answer['id']}").json()
    assert (file["filename"], file["size"], file["content_type"]) == ("note.txt", 11, "text/plain")
    assert not {"key", "owner"} & file.keys()
    assert rows.stored[UUID(answer["id"])].owner == "somebody"


def test_without_an_address_of_its_own_a_link_is_where_the_api_is(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILES_PUBLIC_URL", "")
    get_links.cache_clear()
    url = client.post("/api/v1/uploads", json=TEXT).json()["url"]
    assert url.startswith("http://testserver/api/v1/content/")


def test_a_repeated_upload_is_one_file(rows: FilesInMemory, client: TestClient) -> None:
    for key in ("a", "a", "b"):
        client.post("/api/v1/uploads", json=TEXT, headers={"Idempotency-Key": key})
    assert len(rows.stored) == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"purpose": "anything"}, "body.purpose"),
        ({"content_type": "image/svg+xml"}, "body.content_type"),
        ({"content_type": "text/html"}, "body.content_type"),
        ({"size": 100_000_001}, "body.size"),
        ({"size": -1}, "body.size"),
        ({"sha256": "x"}, "body.sha256"),
        ({"subject": {"type": "other", "id": "2"}}, "subject_type"),
    ],
)
def test_what_is_not_accepted_is_said(
    rows: FilesInMemory, client: TestClient, wrong: dict[str, object], field: str
) -> None:
    answer = client.post("/api/v1/uploads", json=TEXT | wrong)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not rows.stored


def test_only_what_is_ready_has_content(rows: FilesInMemory, client: TestClient) -> None:
    file_id = announce(client)
    path = f"/api/v1/files/{file_id}/content"
    assert client.get(path, follow_redirects=False).status_code == 409
    make_ready(rows, file_id)
    answer = client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    assert answer.headers["location"].startswith("https://files.example/api/v1/content/")


def test_what_goes_by_the_files_service_is_complete_when_that_says_so(client: TestClient) -> None:
    answer = client.post(f"/api/v1/uploads/{announce(client)}/complete")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")


def test_complete_says_that_content_was_sent_to_the_bucket(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILES_TRANSFER", "store")
    with pytest.raises(SettingsError, match="FILES_STORE=s3"):
        get_links()
    monkeypatch.setenv("FILES_STORE", "s3")
    monkeypatch.setenv("FILES_S3_ACCESS_KEY", "key")
    monkeypatch.setenv("FILES_S3_SECRET_KEY", "secret")
    file_id = announce(client)
    for _ in range(2):
        answer = client.post(f"/api/v1/uploads/{file_id}/complete")
        assert (answer.status_code, answer.json()["state"]) == (202, "uploaded")


def test_a_deleted_file_is_gone(client: TestClient) -> None:
    path = f"/api/v1/files/{announce(client)}"
    assert client.delete(path).status_code == 204
    assert [client.get(path).status_code, client.delete(path).status_code] == [404, 404]


def test_a_file_belongs_to_whom_the_thing_belongs(rows: FilesInMemory, client: TestClient) -> None:
    file_id = announce(client, subject={"type": "thing", "id": "2"})
    assert rows.stored[UUID(file_id)].owner == "owner-of-things"
    assert client.get(f"/api/v1/files/{file_id}").json()["attachments"][0]["id"] == "2"
    foreign = client.post("/api/v1/uploads", json=TEXT | {"subject": {"type": "thing", "id": "1"}})
    assert foreign.status_code == 404


def test_who_may_not_read_the_thing_gets_no_file(rows: FilesInMemory, client: TestClient) -> None:
    file_id = announce(client, subject={"type": "thing", "id": "2"})
    make_ready(rows, file_id)
    key, path = UUID(file_id), f"/api/v1/files/{file_id}"
    foreign = (SubjectRef(type="thing", id="1"),)
    change = {"attachments": foreign, "owner": "mallory"}
    rows.stored[key] = rows.stored[key].model_copy(update=change)
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/content", follow_redirects=False).status_code == 404
    assert client.delete(path).status_code == 404
    things = {"subject_type": "thing", "subject_id": "1"}
    assert client.get("/api/v1/files", params=things).status_code == 404
    assert client.get("/api/v1/files", params=things | {"subject_id": "2"}).status_code == 200


def test_an_owner_keeps_a_file_whose_thing_is_gone(rows: FilesInMemory, client: TestClient) -> None:
    file_id = announce(client)
    key, gone = UUID(file_id), (SubjectRef(type="thing", id="1"), SubjectRef(type="no", id="1"))
    rows.stored[key] = rows.stored[key].model_copy(update={"attachments": gone})
    assert client.get(f"/api/v1/files/{file_id}").status_code == 200
    assert client.delete(f"/api/v1/files/{file_id}").status_code == 204


def test_attachments(client: TestClient) -> None:
    path = f"/api/v1/files/{announce(client, subject={'type': 'thing', 'id': '2'})}"
    thing = {"type": "thing", "id": "4"}
    attached = client.post(f"{path}/attachments", json=thing).json()["attachments"]
    assert [each["id"] for each in attached] == ["2", "4"]
    left = client.delete(f"{path}/attachments/thing/4").json()["attachments"]
    assert [each["id"] for each in left] == ["2"]
    own = f"/api/v1/files/{announce(client)}/attachments"
    assert client.post(own, json=thing).status_code == 409


@pytest.mark.parametrize("path", [f"/api/v1/files/{uuid4()}", "/api/v1/files/7"])
def test_what_is_not_there_is_said(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in {404, 422}
    assert client.get(path).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("note.txt", "note.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\note.txt", "note.txt"),
        ("a\r\nb\0.txt", "ab.txt"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("A\u0308.txt", "\u00c4.txt"),
        ("..", "file"),
        ("", "file"),
        ("\u00e4" * 200 + ".pdf", "\u00e4" * 125 + ".pdf"),
        ("a" * 300, "a" * 255),
    ],
)
def test_names_are_only_names(given: str, name: str) -> None:
    assert clean_name(given) == name

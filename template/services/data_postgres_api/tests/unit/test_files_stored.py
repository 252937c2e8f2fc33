"""Files in the data service, on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

FILES = "/api/v1/files"
FILE: dict[str, Any] = {
    "owner": "ada",
    "purpose": "document",
    "filename": "note.txt",
    "declared_type": "text/plain",
    "size": 11,
    "max_size": 100,
    "subject": {"type": "thing", "id": "1"},
}


def store(service: TestClient, **other: Any) -> dict[str, Any]:
    """Store a file that is expected."""
    answer = service.put(f"{FILES}/{uuid4()}", json=FILE | other)
    assert answer.status_code == 201, answer.text
    file: dict[str, Any] = answer.json()
    return file


def change(service: TestClient, file: dict[str, Any], state: str, **other: Any) -> dict[str, Any]:
    """Move a file to another state."""
    body = {"version": file["version"], "state": state} | other
    answer = service.put(f"{FILES}/{file['id']}/state", json=body)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


def lease(service: TestClient, work: str, **other: int) -> list[str]:
    """Return the ids of files that need work."""
    answer = service.post(
        f"{FILES}/leases", json={"work": work, "limit": 100, "seconds": 60} | other
    )
    assert answer.status_code == 200, answer.text
    return [file["id"] for file in answer.json()["items"]]


def test_a_file_is_announced_once(data_service: TestClient) -> None:
    path = f"{FILES}/{uuid4()}"
    answers = [data_service.put(path, json=FILE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert data_service.get(path).json() == answers[0].json() == answers[1].json()
    assert answers[0].json()["state"] == "pending"
    assert data_service.put(path, json=FILE | {"filename": "other.txt"}).status_code == 409


def test_an_older_version_changes_nothing(data_service: TestClient) -> None:
    file = store(data_service)
    assert change(data_service, file, "uploaded", key=f"document/{uuid4()}")["version"] == 2
    body = {"version": 1, "state": "ready"}
    assert data_service.put(f"{FILES}/{file['id']}/state", json=body).status_code == 409
    assert data_service.get(f"{FILES}/{file['id']}").json()["state"] == "uploaded"


def test_a_file_has_no_more_bytes_than_it_may(data_service: TestClient) -> None:
    file = store(data_service)
    body = {"version": 1, "state": "uploaded", "size": 101}
    assert data_service.put(f"{FILES}/{file['id']}/state", json=body).status_code == 409


def test_of_many_processes_one_gets_a_file(data_service: TestClient) -> None:
    new = [change(data_service, store(data_service), "uploaded")["id"] for _ in range(6)]
    with ThreadPoolExecutor(4) as pool:
        leased = pool.map(lambda _: lease(data_service, "verify", limit=2), range(4))
    got = [file_id for part in leased for file_id in part if file_id in new]
    got += [file_id for file_id in lease(data_service, "verify") if file_id in new]
    assert sorted(got) == sorted(new)


def test_a_lease_ends(data_service: TestClient) -> None:
    file = change(data_service, store(data_service), "uploaded")
    assert file["id"] in lease(data_service, "verify", seconds=60)
    assert file["id"] not in lease(data_service, "verify")
    scanning = data_service.get(f"{FILES}/{file['id']}").json()
    change(data_service, scanning, "scanning", lease_seconds=0)
    assert file["id"] in lease(data_service, "verify")


def test_what_never_came_expires_and_is_purged(data_service: TestClient) -> None:
    file = store(data_service)
    assert data_service.post(f"{FILES}/expirations", json={"seconds": 3600}).json()["items"] == []
    expired = data_service.post(f"{FILES}/expirations", json={"seconds": 0}).json()["items"]
    assert file["id"] in [each["id"] for each in expired]
    assert file["id"] in lease(data_service, "purge")
    left = data_service.get(f"{FILES}/{file['id']}").json()
    assert left["state"] == "expired"
    change(data_service, left, "expired", is_purged=True)
    assert file["id"] not in lease(data_service, "purge")
    known = data_service.post(f"{FILES}/known", json={"keys": [left["key"], "elsewhere"]})
    assert known.json() == {"keys": []}


def test_bytes_of_a_deleted_file_are_kept_for_a_while(data_service: TestClient) -> None:
    now = datetime.now(UTC)
    files = []
    for purge_after in (now - timedelta(1), now + timedelta(1)):
        file = change(data_service, store(data_service), "ready")
        change(data_service, file, "deleted", purge_after=purge_after.isoformat())
        assert data_service.get(f"{FILES}/{file['id']}").status_code == 404
        files.append(file)
    leased = lease(data_service, "purge")
    assert [file["id"] in leased for file in files] == [True, False]
    keys = [file["key"] for file in files]
    assert set(data_service.post(f"{FILES}/known", json={"keys": keys}).json()["keys"]) == {*keys}


def test_files_of_one_thing_are_listed_page_by_page(data_service: TestClient) -> None:
    subject = {"type": "thing", "id": uuid4().hex}
    new = [store(data_service, subject=subject)["id"] for _ in range(3)]
    query: dict[str, Any] = {"subject_type": "thing", "subject_id": subject["id"], "limit": 2}
    first = [file["id"] for file in data_service.get(FILES, params=query).json()["items"]]
    rest = data_service.get(FILES, params=query | {"after": first[-1]}).json()["items"]
    assert [*first, *(file["id"] for file in rest)] == new[::-1]
    unknown = data_service.get(FILES, params={"after": str(uuid4())})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "query.after")


def test_a_file_is_attached_and_detached(data_service: TestClient) -> None:
    file = store(data_service, subject=None)
    path = f"{FILES}/{file['id']}/attachments/thing/7"
    for _ in range(2):
        attached = data_service.put(path).json()["attachments"]
        assert attached == [{"type": "thing", "id": "7"}]
    for _ in range(2):
        assert data_service.delete(path).json()["attachments"] == []


@pytest.mark.parametrize(
    "wrong", [{"declared_type": "pdf"}, {"size": -1}, {"sha256": "x"}, {"purpose": "../etc"}]
)
def test_what_is_no_file_is_refused(data_service: TestClient, wrong: dict[str, Any]) -> None:
    assert data_service.put(f"{FILES}/{uuid4()}", json=FILE | wrong).status_code == 422


def test_ready_files_are_read_in_the_order_of_their_ids(data_service: TestClient) -> None:
    new = sorted(change(data_service, store(data_service), "ready")["id"] for _ in range(3))
    seen: list[str] = []
    after: dict[str, str] = {}
    while page := data_service.get(f"{FILES}/ready", params=after).json()["items"]:
        seen += [file["id"] for file in page]
        after = {"after": seen[-1]}
    assert [file_id for file_id in seen if file_id in new] == new

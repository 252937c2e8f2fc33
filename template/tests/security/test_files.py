"""Files before a hostile caller: whose they are, how much there may be, what is written down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi.testclient import TestClient

from business_api.files import subjects
from business_api.files.router import get_links
from business_api.identity.gateway import AuditGateway
from chassis.client import ServiceClient
from chassis.errors import NotFound, Unavailable
from chassis.security.policy import Policy, Role
from chassis.testing import service_token
from tests.notes.business_policy import app
from tests.security.support import ADMIN, bearer

TEXT = {"filename": "note.txt", "content_type": "text/plain", "purpose": "document", "size": 11}
UPLOADS, FILES = "/api/v1/uploads", "/api/v1/files"
OWN = frozenset({"files:upload", "files:read", "files:delete"})


class Things:
    """Things that everybody sees, and that belong to ada."""

    type = "test_thing"

    async def may_attach(self, client: ServiceClient, subject_id: str) -> str:
        await self.may_read(client, subject_id)
        return "ada"

    async def may_read(self, client: ServiceClient, subject_id: str) -> None:
        if subject_id != "1":
            raise NotFound("There is no such thing.")


@pytest.fixture(autouse=True)
def roles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Roles of the tests: a person with files, somebody who reads all, and somebody without."""
    monkeypatch.setenv("FILES_LINK_KEY", "k" * 48)
    monkeypatch.setenv("FILES_QUOTA_BYTES", "1000")
    monkeypatch.setattr(subjects, "subject_kinds", lambda: {"test_thing": Things()})
    get_links.cache_clear()
    policy: Policy = app.state.policy
    more = {
        "test_person": (Role(own=OWN),),
        "test_reader": (Role(all=frozenset({"files:read"})),),
    }
    app.state.policy = Policy(policy.routes, {**policy.roles, **more})
    yield
    app.state.policy = policy
    get_links.cache_clear()


def announce(api: TestClient, who: str, **other: object) -> str:
    answer = api.post(UPLOADS, json=TEXT | other, headers=bearer(who, "test_person"))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def make_ready(api: TestClient, file_id: str) -> None:
    """Make a file ready, as the background process does."""
    service = str(app.state.data_service._base_url)
    headers = {"Authorization": f"Bearer {service_token('business_files')}"}
    version = httpx2.get(f"{service}{FILES}/{file_id}", headers=headers).json()["version"]
    change = {"version": version, "state": "ready", "content_type": "text/plain"}
    path = f"{service}{FILES}/{file_id}/state"
    assert httpx2.put(path, json=change, headers=headers).is_success


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_api1_a_file_of_another_does_not_exist(api: TestClient, method: str) -> None:
    file_id = announce(api, "ada")
    mallory = bearer("mallory", "test_person")
    for path in (f"{FILES}/{file_id}", f"{FILES}/{uuid4()}"):
        assert api.request(method, path, headers=mallory).status_code == 404
    assert api.get(f"{FILES}/{file_id}", headers=bearer("ada", "test_person")).status_code == 200


def test_api1_nobody_gets_a_link_to_the_content_of_another(api: TestClient) -> None:
    file_id = announce(api, "ada")
    make_ready(api, file_id)
    path = f"{FILES}/{file_id}/content"
    mallory, ada = bearer("mallory", "test_person"), bearer("ada", "test_person")
    assert api.get(path, headers=mallory, follow_redirects=False).status_code == 404
    assert api.get(path, headers=ada, follow_redirects=False).status_code == 307
    assert api.post(f"{UPLOADS}/{file_id}/complete", headers=mallory).status_code == 404


def test_api1_lists_show_own_files(api: TestClient) -> None:
    mine, other = announce(api, "ada"), announce(api, "eve")
    listed = api.get(FILES, headers=bearer("ada", "test_person"), params={"limit": 100}).json()
    ids = {file["id"] for file in listed["items"]}
    assert mine in ids
    assert other not in ids


def test_api1_a_key_of_another_is_another_file(api: TestClient) -> None:
    ids = set()
    for who in ("ada", "mallory"):
        headers = bearer(who, "test_person") | {"Idempotency-Key": "the-same"}
        ids.add(api.post(UPLOADS, json=TEXT, headers=headers).json()["id"])
    assert len(ids) == 2


def test_api2_without_a_token_nothing_is_answered(api: TestClient) -> None:
    for method, path in (
        ("POST", UPLOADS),
        ("GET", FILES),
        ("GET", f"{FILES}/{uuid4()}/content"),
    ):
        assert api.request(method, path, json=TEXT).status_code == 401


@pytest.mark.parametrize("field", ["owner", "key", "state", "id", "version", "uploaded_by"])
def test_api3_an_upload_takes_nothing_but_what_it_names(api: TestClient, field: str) -> None:
    headers = bearer("mallory", "test_person")
    assert api.post(UPLOADS, json=TEXT | {field: "x"}, headers=headers).status_code == 422


def test_api3_a_file_does_not_say_where_its_bytes_are(api: TestClient) -> None:
    path = f"{FILES}/{announce(api, 'ada')}"
    assert "key" not in api.get(path, headers=bearer("ada", "test_person")).json()


def test_api4_one_owner_has_so_much_and_no_more(api: TestClient) -> None:
    who = f"user-{uuid4().hex}"
    headers = bearer(who, "test_person") | {"Idempotency-Key": "the-same"}
    # A repeated request is one file.
    for _ in range(2):
        assert api.post(UPLOADS, json=TEXT | {"size": 600}, headers=headers).status_code == 201
    unsized = {key: value for key, value in TEXT.items() if key != "size"}
    other = bearer(who, "test_person")
    for body in (TEXT | {"size": 401}, unsized, unsized | {"max_size": 401}):
        answer = api.post(UPLOADS, json=body, headers=other)
        assert (answer.status_code, "1,000 bytes" in answer.json()["detail"]) == (409, True)
    # What was refused takes no room, also of many at the same moment.
    with ThreadPoolExecutor(4) as pool:
        body = TEXT | {"size": 300}
        sent = pool.map(lambda _: api.post(UPLOADS, json=body, headers=other).status_code, range(4))
    assert sorted(sent).count(201) <= 1
    announce(api, who, size=100)


def test_api5_who_may_read_may_not_delete(api: TestClient) -> None:
    file_id, reader = announce(api, "ada"), bearer("rita", "test_reader")
    assert api.get(f"{FILES}/{file_id}", headers=reader).status_code == 200
    assert api.delete(f"{FILES}/{file_id}", headers=reader).status_code == 403
    assert api.post(UPLOADS, json=TEXT, headers=reader).status_code == 403


def test_api6_a_file_for_a_thing_of_another_is_not_ones_own(api: TestClient) -> None:
    headers = bearer("mallory", "test_person")
    thing = {"subject": {"type": "test_thing", "id": "1"}}
    assert api.post(UPLOADS, json=TEXT | thing, headers=headers).status_code in {404, 409}
    assert announce(api, "ada", **thing)


def records(api: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(
        "/api/v1/audit", params={"limit": 100}, headers=bearer("root", *ADMIN)
    ).json()["items"]
    return found


def test_who_uploaded_read_and_deleted_is_written_down(api: TestClient) -> None:
    file_id, ada = announce(api, "ada"), bearer("ada", "test_person")
    make_ready(api, file_id)
    api.get(f"{FILES}/{file_id}/content", headers=ada, follow_redirects=False)
    api.delete(f"{FILES}/{file_id}", headers=ada)
    about = [each for each in records(api) if file_id in str(each["rows"])]
    assert [(each["action"], each["who"]) for each in about if each["who"] == "ada"] == [
        ("row.changed", "ada"),
        ("file.link_issued", "ada"),
        ("row.created", "ada"),
    ]
    assert "signature" not in str(about)


def test_without_the_record_there_is_no_link(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("The audit log cannot be reached.")

    file_id = announce(api, "ada")
    make_ready(api, file_id)
    monkeypatch.setattr(AuditGateway, "append", away)
    path, ada = f"{FILES}/{file_id}/content", bearer("ada", "test_person")
    assert api.get(path, headers=ada, follow_redirects=False).status_code == 503

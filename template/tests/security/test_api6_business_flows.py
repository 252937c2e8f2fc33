"""API6: a flow cannot be used in another sequence, or more often, than the rules allow."""

from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from business_api.identity.gateway import IdentityGateway
from chassis.errors import NotFound
from tests.notes import PATH
from tests.security.support import ADMIN, bearer

STAFF = ("sam", "test_keeper")


def test_what_is_stored_again_after_a_lost_answer_is_the_same(data_api: TestClient) -> None:
    identity = "/api/v1/identity"
    name = uuid4().hex
    user = {"login": f"{name}@example.org", "roles": ["test_author"], "password_hash": "hash"}
    client = {"name": "Robot", "secret_hash": "hash"}
    bodies: list[tuple[str, dict[str, object], str]] = [
        ("users", dict(user), "password_hash"),
        ("clients", dict(client), "secret_hash"),
    ]
    for kind, body, secret in bodies:
        path = f"{identity}/{kind}/{uuid4().hex}"
        first, again = (data_api.put(path, json=body) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert data_api.put(path, json=body | {secret: "another"}).status_code == 409
    taken = data_api.put(f"{identity}/users/{uuid4().hex}", json=user)
    assert taken.status_code == 409


def test_tokens_of_a_client_end_even_if_its_deletion_is_not_heard_of(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = bearer("root", *ADMIN)
    new = {"name": "Robot", "confidential": True, "roles": ["test_keeper"]}
    client = api.post("/api/v1/clients", json=new, headers=root).json()
    form = {"client_id": client["id"], "client_secret": client["secret"]}
    token = api.post("/oauth/token", data=form | {"grant_type": "client_credentials"}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert api.get(PATH, headers=headers).status_code == 200

    async def lost(*_: object) -> None:
        raise NotFound("There is no client.")

    monkeypatch.setattr(IdentityGateway, "delete_client", lost)
    assert api.delete(f"/api/v1/clients/{client['id']}", headers=root).status_code == 404
    assert api.get(PATH, headers=headers).status_code == 401

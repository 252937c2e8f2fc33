"""API6: a flow cannot be used in another order, or more often, than the shop allows."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from business_api.identity.gateway import IdentityGateway
from chassis.errors import NotFound
from tests.security.support import ADMIN, LINE, bearer, place

STAFF = ("sam", "staff")


def test_what_is_not_paid_is_not_shipped(api: TestClient) -> None:
    order = place(api, "ada")
    assert api.post(f"{order}/ship", headers=bearer(*STAFF)).status_code == 409


def test_an_order_that_is_sent_many_times_is_one(api: TestClient) -> None:
    headers = bearer("ada", "customer") | {"Idempotency-Key": "again-and-again"}

    def place_again(_: int) -> str:
        answer = api.post("/api/v1/orders", json={"lines": [LINE]}, headers=headers)
        return str(answer.json()["id"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(place_again, range(8)))) == 1


def test_a_key_of_somebody_else_is_another_key(api: TestClient) -> None:
    ids = set()
    for who in ("ada", "mallory"):
        headers = bearer(who, "customer") | {"Idempotency-Key": "the-same"}
        placed = api.post("/api/v1/orders", json={"lines": [LINE]}, headers=headers)
        ids.add(placed.json()["id"])
    assert len(ids) == 2


def test_what_is_stored_again_after_a_lost_answer_is_the_same(data_api: TestClient) -> None:
    identity = "/api/v1/identity"
    name = uuid4().hex
    user = {"login": f"{name}@example.org", "roles": ["customer"], "password_hash": "hash"}
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
    new = {"name": "Robot", "confidential": True, "roles": ["staff"]}
    client = api.post("/api/v1/clients", json=new, headers=root).json()
    form = {"client_id": client["id"], "client_secret": client["secret"]}
    token = api.post("/oauth/token", data=form | {"grant_type": "client_credentials"}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert api.get("/api/v1/orders", headers=headers).status_code == 200

    async def lost(*_: object) -> None:
        raise NotFound("There is no client.")

    monkeypatch.setattr(IdentityGateway, "delete_client", lost)
    assert api.delete(f"/api/v1/clients/{client['id']}", headers=root).status_code == 404
    assert api.get("/api/v1/orders", headers=headers).status_code == 401

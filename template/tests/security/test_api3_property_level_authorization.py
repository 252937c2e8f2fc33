"""API3: nobody sets or sees a property that is not theirs to set or see."""

import json
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.notes import BODY, PATH
from tests.security.support import PASSWORD, add_user, bearer


def test_nobody_becomes_somebody_else_by_a_header(api: TestClient) -> None:
    headers = bearer("mallory", "test_author") | {"X-Subject": "ada"}
    written = api.post(PATH, json=BODY, headers=headers)
    assert written.json()["author"] == "mallory"


@pytest.mark.parametrize("field", ["password_hash", "created_at", "is_admin"])
def test_a_user_takes_nothing_but_what_is_announced(api: TestClient, field: str) -> None:
    body = {"login": "eve@example.org", "password": PASSWORD, "roles": [], field: "x"}
    answer = api.post("/api/v1/users", json=body, headers=bearer("root", "administrator"))
    assert answer.status_code == 422


def test_roles_are_those_of_the_policy(api: TestClient) -> None:
    user, _ = add_user(api)
    change = {"roles": ["emperor"]}
    answer = api.patch(
        f"/api/v1/users/{user}", json=change, headers=bearer("root", "administrator")
    )
    assert answer.status_code == 422
    assert "there are administrator, " in answer.json()["detail"]


def test_no_answer_shows_a_hash_or_a_secret(api: TestClient) -> None:
    user, _ = add_user(api)
    root = bearer("root", "administrator")
    api.post("/api/v1/clients", json={"name": "robot", "roles": ["test_keeper"]}, headers=root)
    for path in ("/api/v1/users", f"/api/v1/users/{user}", "/api/v1/clients", "/api/v1/audit"):
        answer = api.get(path, headers=root)
        assert answer.status_code == 200
        assert 'hash": "$' not in answer.text
        assert "argon2" not in answer.text
        assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "\\ud800 and eleven more"),
        ("login", "\\u0130" * 190 + "abcdef"),
        ("login", "ada\\u200b"),
        ("login", " "),
        ("id", "docs"),
    ],
)
def test_a_user_that_cannot_be_is_refused(api: TestClient, field: str, value: str) -> None:
    body = {"login": uuid4().hex, "password": "a good password", "roles": [], field: "VALUE"}
    answer = api.post(
        "/api/v1/users",
        content=json.dumps(body).replace("VALUE", value),
        headers=bearer("root", "administrator") | {"Content-Type": "application/json"},
    )
    assert answer.status_code == (409 if field == "id" else 422)


def test_logins_that_look_the_same_are_the_same(api: TestClient) -> None:
    name = uuid4().hex
    statuses = [
        api.post(
            "/api/v1/users",
            json={"login": name + end, "password": "a good password", "roles": []},
            headers=bearer("root", "administrator"),
        ).status_code
        for end in ("\u00e9", "e\u0301", "\u00c9")
    ]
    assert statuses == [201, 409, 409]


def test_a_change_of_nothing_is_refused(api: TestClient) -> None:
    user, _ = add_user(api)
    root = bearer("root", "administrator")
    assert api.patch(f"/api/v1/users/{user}", json={}, headers=root).status_code == 422

"""What the specifications of OAuth 2.1 and OpenID Connect ask of an issuer, beside its safety."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from tests.notes import PATH
from tests.security.support import ADMIN, Person, add_user, bearer


def add_client(api: TestClient, **client: object) -> dict[str, str]:
    """Add a program that may ask for tokens; return it with its secret."""
    answer = api.post("/api/v1/clients", json=client, headers=bearer("root", *ADMIN))
    assert answer.status_code == 201, answer.text
    added: dict[str, str] = answer.json()
    return added


def basic(client: dict[str, str], secret: str = "") -> dict[str, str]:
    """Return the header with which a program says who it is."""
    given = f"{client['id']}:{secret or client['secret']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(given).decode()}"}


def claims_of(token: str) -> dict[str, object]:
    """Return what a token says, as its client reads it."""
    part = token.split(".")[1]
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_a_machine_acts_with_the_roles_of_its_client(api: TestClient) -> None:
    client = add_client(api, name="Robot", confidential=True, roles=["test_keeper"])
    form = {"grant_type": "client_credentials"}
    tokens = api.post("/oauth/token", data=form, headers=basic(client)).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert api.get(PATH, headers=headers).status_code == 200
    assert api.post(PATH, json={}, headers=headers).status_code == 403
    assert "refresh_token" not in tokens


@pytest.mark.parametrize(
    ("header", "form", "error"),
    [
        ("wrong", {}, "invalid_client"),
        ("not base64", {}, "invalid_client"),
        ("right", {"client_secret": "twice"}, "invalid_request"),
        ("none", {"client_id": "docs"}, "unauthorized_client"),
        ("none", {}, "invalid_client"),
    ],
)
def test_a_client_says_who_it_is(
    api: TestClient, header: str, form: dict[str, str], error: str
) -> None:
    client = add_client(api, name="Robot", confidential=True, roles=["test_keeper"])
    headers = {
        "right": basic(client),
        "wrong": basic(client, "a wrong secret"),
        "not base64": {"Authorization": "Basic %%%"},
        "none": {},
    }[header]
    form = {"grant_type": "client_credentials"} | form
    answer = api.post("/oauth/token", data=form, headers=headers)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert ("www-authenticate" in answer.headers) == (error == "invalid_client")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "error"),
    [({}, "invalid_request"), ({"grant_type": "password"}, "unsupported_grant_type")],
)
def test_what_is_no_grant_is_refused(api: TestClient, form: dict[str, str], error: str) -> None:
    answer = api.post("/oauth/token", data={"client_id": "docs"} | form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_header_that_is_no_ascii_is_refused(api: TestClient) -> None:
    headers = {b"Authorization": "Basic \xe9".encode("latin-1")}
    answer = api.post("/oauth/token", data={"grant_type": "refresh_token"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"grant_type=a&grant_type=b&client_id=docs", "application/x-www-form-urlencoded"),
        (b"x", "multipart/form-data"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
    ],
)
def test_a_form_that_is_none_is_refused(api: TestClient, content: bytes, kind: str) -> None:
    for path in ("/oauth/token", "/oauth/revoke"):
        answer = api.post(path, content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_refresh_token_is_of_its_client_alone(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    other = add_client(api, name="Other", confidential=True)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    stolen = api.post("/oauth/token", data=form, headers=basic(other))
    assert stolen.json()["error"] == "invalid_grant"
    # Whoever shows somebody else's token neither uses it up nor ends the session.
    form = {"token": tokens["refresh_token"]}
    assert api.post("/oauth/revoke", data=form, headers=basic(other)).status_code == 200
    assert person.refresh(tokens["refresh_token"]).status_code == 200


def test_to_revoke_a_token_ends_its_session(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    form = {"client_id": "docs", "token": tokens["refresh_token"]}
    assert api.post("/oauth/revoke", data=form).status_code == 200
    assert person.get(PATH, tokens).status_code == 401
    assert person.refresh(tokens["refresh_token"]).status_code == 400
    for token in ("unknown", "", "a.b.c", "x" * 1000):
        unknown = {"client_id": "docs", "token": token}
        assert api.post("/oauth/revoke", data=unknown).status_code == 200
        assert person.refresh(token).json()["error"] == "invalid_grant"


def test_an_id_token_tells_who_has_logged_in_and_when(api: TestClient) -> None:
    user, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    claims = claims_of(tokens["id_token"])
    assert (claims["sub"], claims["aud"]) == (user, "docs")
    assert claims["auth_time"] == pytest.approx(claims["iat"], abs=5)
    # It is for the client: the API takes none.
    headers = {"Authorization": f"Bearer {tokens['id_token']}"}
    assert api.get(PATH, headers=headers).status_code == 401


def test_prompt_and_max_age_are_obeyed(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    silent = api.get(person.address(prompt="none"), follow_redirects=False)
    assert "error=login_required" in silent.headers["location"]
    assert "state=s-1" in silent.headers["location"]
    person.log_in()
    for query, status in [
        ({}, 303),
        ({"prompt": "none"}, 303),
        ({"max_age": "600"}, 303),
        ({"prompt": "login"}, 200),
        ({"prompt": "login consent"}, 200),
        ({"max_age": "0"}, 200),
    ]:
        answer = api.get(person.address(**query), follow_redirects=False)
        assert answer.status_code == status, query


@pytest.mark.parametrize(
    "query", [{"max_age": "soon"}, {"state": "x" * 1001}, {"prompt": "none login"}]
)
def test_what_cannot_be_obeyed_is_refused(api: TestClient, query: dict[str, str]) -> None:
    _, login = add_user(api)
    answer = api.get(Person(api, login).address(**query), follow_redirects=False)
    assert "error=invalid_request" in answer.headers["location"]


def test_an_app_on_this_machine_may_listen_on_any_port(api: TestClient) -> None:
    client = add_client(
        api, name="App", confidential=False, redirect_uris=["http://127.0.0.1/callback"]
    )
    _, login = add_user(api)
    person = Person(api, login)
    for uri, status in [
        ("http://127.0.0.1:51004/callback", 200),
        ("http://127.0.0.1:51004/other", 400),
        ("http://127.0.0.1.evil.example:80/callback", 400),
        ("http://localhost:51004/callback", 400),
    ]:
        address = person.address(client_id=client["id"], redirect_uri=uri)
        assert api.get(address).status_code == status, uri


def test_the_error_goes_to_where_the_client_wants_it(api: TestClient) -> None:
    _, login = add_user(api)
    answer = api.get(Person(api, login).address(response_type="token"), follow_redirects=False)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["error"] == ["unsupported_response_type"]
    assert query["state"] == ["s-1"]
    assert query["iss"]

"""API2: no token but one that was issued, for this API, not too long ago, proves anything."""

import base64
import hmac
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey

from business_api.main import app
from chassis.errors import Unavailable
from chassis.security.keys import private_key
from chassis.security.tokens import FixedKeys, InvalidToken, TokenVerifier
from chassis.testing import ISSUER, LIFETIME_SECONDS, access_token, signed
from tests.notes import PATH
from tests.security.support import Person, add_user, bearer, csrf_of

CLAIMS = {"iss": ISSUER, "aud": ISSUER, "sub": "ada", "roles": ["administrator"]}


def _key() -> ECKey:
    return private_key(os.environ["ISSUER_SIGNING_KEYS"].split()[0], "ISSUER_SIGNING_KEYS")


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _unsigned() -> str:
    now = int(time.time())
    claims = CLAIMS | {"exp": now + 60, "nbf": now}
    return f"{_part({'alg': 'none', 'typ': 'at+jwt', 'kid': _key().kid})}.{_part(claims)}."


def _confused() -> str:
    """Sign with the public key, as if it were a shared secret."""
    now = int(time.time())
    header = {"alg": "HS256", "typ": "at+jwt", "kid": _key().kid}
    content = f"{_part(header)}.{_part(CLAIMS | {'exp': now + 60, 'nbf': now})}"
    signature = hmac.digest(_key().as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _of_another_key() -> str:
    now = int(time.time())
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "at+jwt", "kid": _key().kid}
    return jwt.encode(header, CLAIMS | {"exp": now + 60, "nbf": now}, key)


def _changed() -> str:
    header, claims, signature = access_token("ada", "test_author").split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{header}.{_part(content | {'roles': ['administrator']})}.{signature}"


def _without(claim: str) -> Callable[[], str]:
    return lambda: access_token("ada", "administrator", **{claim: None})


BAD: dict[str, Callable[[], str]] = {
    "no signature": _unsigned,
    "a public key as a secret": _confused,
    "a key of somebody else": _of_another_key,
    "changed claims": _changed,
    "expired": lambda: access_token("ada", "administrator", exp=int(time.time()) - 60),
    "not yet valid": lambda: access_token("ada", "administrator", nbf=int(time.time()) + 120),
    "for somebody else": lambda: access_token("ada", "administrator", aud="https://other.example"),
    "from somebody else": lambda: access_token("ada", "administrator", iss="https://other.example"),
    "no audience": _without("aud"),
    "no end": _without("exp"),
    "no beginning": _without("nbf"),
    "nobody": _without("sub"),
    "an ID token": lambda: signed("JWT", "ISSUER_SIGNING_KEYS", **CLAIMS),
    "a token between services": lambda: signed("service+jwt", "SERVICE_PRIVATE_KEY", **CLAIMS),
    "no token": lambda: "hunter2",
    "a long token": lambda: "a" * 9_000,
    "deep nesting": lambda: f"{base64.urlsafe_b64encode(b'[' * 5_000).decode()}.e30.e30",
}


@pytest.mark.parametrize("what", BAD)
def test_a_token_that_proves_nothing_is_refused(api: TestClient, what: str) -> None:
    token = BAD[what]()
    answer = api.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith(
        'Bearer realm="api", error="invalid_token"'
    )
    assert token not in answer.text


def test_clocks_may_differ_a_little(api: TestClient) -> None:
    now = int(time.time())
    for claims in ({"exp": now - 10}, {"nbf": now + 10}):
        headers = bearer("ada", "test_author", **claims)
        assert api.get(PATH, headers=headers).status_code == 200


async def test_a_token_that_was_accepted_expires_too(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = TokenVerifier(ISSUER, ISSUER, FixedKeys([_key()]))
    token = access_token("ada")
    assert (await verifier.verify(token))["sub"] == "ada"
    later = time.time() + LIFETIME_SECONDS + 31
    monkeypatch.setattr("chassis.security.tokens.time", SimpleNamespace(time=lambda: later))
    with pytest.raises(InvalidToken, match="has expired"):
        await verifier.verify(token)


def test_without_a_token_nothing_of_the_request_is_looked_at(api: TestClient) -> None:
    answer = api.post(PATH, content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "value", ["Basic YWRhOnRlYQ==", "Bearer", "bearer  ", "Token abc", "Bearer a b"]
)
def test_another_way_to_authenticate_is_refused(api: TestClient, value: str) -> None:
    assert api.get(PATH, headers={"Authorization": value}).status_code == 401


def test_two_tokens_are_one_too_many(api: TestClient) -> None:
    one = bearer("ada", "administrator")["Authorization"]
    headers = [("Authorization", one), ("Authorization", one)]
    assert api.get(PATH, headers=headers).status_code == 401


def test_a_refresh_token_that_is_used_again_ends_the_whole_session(api: TestClient) -> None:
    _, login = add_user(api)
    thief = Person(api, login)
    first = thief.log_in()
    second = thief.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert thief.get(PATH, second).status_code == 200
    third = thief.refresh(second["refresh_token"]).json()
    replayed = thief.refresh(first["refresh_token"])
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert thief.refresh(third["refresh_token"]).status_code == 400
    assert thief.get(PATH, third).status_code == 401


def test_two_tabs_that_refresh_at_once_get_the_same_successor(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    first = person.log_in()["refresh_token"]
    second, again = person.refresh(first).json(), person.refresh(first).json()
    assert second["refresh_token"] == again["refresh_token"]
    assert person.get(PATH, second).status_code == 200
    assert person.get(PATH, again).status_code == 200
    assert person.refresh(second["refresh_token"]).status_code == 200


def test_a_refresh_token_is_a_copy_after_the_grace_of_some_seconds(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISSUER_REFRESH_GRACE_SECONDS", "0")
    with TestClient(app, base_url=ISSUER) as strict:
        _, login = add_user(strict)
        person = Person(strict, login)
        first = person.log_in()["refresh_token"]
        second = person.refresh(first).json()
        assert person.refresh(first).status_code == 400
        assert person.get(PATH, second).status_code == 401


def test_a_data_service_that_is_away_uses_up_no_token(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("The data service cannot be reached.")

    # Without the grace, in which a refresh token that was used up would be accepted again.
    monkeypatch.setenv("ISSUER_REFRESH_GRACE_SECONDS", "0")
    with TestClient(app, base_url=ISSUER) as strict:
        _, login = add_user(strict)
        person = Person(strict, login)
        code = person.code()
        with monkeypatch.context() as patch:
            patch.setattr("business_api.identity.gateway.IdentityGateway.user", away)
            assert person.exchange(code).status_code == 503
        token = person.exchange(code).json()["refresh_token"]
        with monkeypatch.context() as patch:
            patch.setattr("business_api.identity.gateway.IdentityGateway.user", away)
            assert person.refresh(token).status_code == 503
        assert person.refresh(token).status_code == 200


def test_a_code_that_is_used_again_ends_the_whole_session(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    code = person.code()
    tokens = person.exchange(code).json()
    assert person.get(PATH, tokens).status_code == 200
    assert person.exchange(code).json()["error"] == "invalid_grant"
    assert person.get(PATH, tokens).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "x" * 43}, {"code_verifier": ""}, {"redirect_uri": f"{ISSUER}/elsewhere"}],
)
def test_a_stolen_code_is_worth_nothing(api: TestClient, changes: dict[str, str]) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    answer = person.exchange(person.code(), **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_passwords_cannot_be_tried_without_end(api: TestClient) -> None:
    _, login = add_user(api)
    answers = [Person(api, login, "wrong").submit().status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    refused = Person(api, login).submit()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_an_error_of_the_data_service_forgets_no_wrong_password(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, login = add_user(api)
    person = Person(api, login, "wrong")
    assert [person.submit().status_code for _ in range(4)] == [401] * 4

    async def away(*_: object) -> None:
        raise Unavailable("The data service cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr("business_api.identity.gateway.IdentityGateway.user_of_login", away)
        assert [person.submit().status_code for _ in range(3)] == [503] * 3
    # What could not be tried does not count, and what was tried before still does.
    assert [person.submit().status_code for _ in range(2)] == [401, 429]


def test_attempts_at_the_same_moment_are_counted_one_by_one(api: TestClient) -> None:
    _, login = add_user(api)
    address = Person(api, login).address()
    api.cookies.clear()
    form = {"csrf": csrf_of(api.get(address).text), "login": login, "password": "not this one"}
    with ThreadPoolExecutor(10) as pool:
        tried = list(pool.map(lambda _: api.post(address, data=form).status_code, range(10)))
    assert sorted(tried) == [401] * 5 + [429] * 5


def test_who_has_a_login_is_not_told(api: TestClient) -> None:
    _, login = add_user(api)
    known, unknown = Person(api, login, "wrong"), Person(api, f"x{login}", "wrong")
    pages = [person.submit().text.replace(person.login, "") for person in (known, unknown)]
    assert "do not belong together" in pages[0]
    assert [page.split("csrf")[0] for page in pages] == [pages[0].split("csrf")[0]] * 2


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaaaaaa", "x" * 201])
def test_a_bad_password_is_refused_and_not_repeated(api: TestClient, password: str) -> None:
    body = {"login": "new@example.org", "password": password, "roles": []}
    answer = api.post("/api/v1/users", json=body, headers=bearer("root", "administrator"))
    assert answer.status_code == 422
    assert password not in answer.text


def test_a_user_who_is_locked_out_is_out(api: TestClient) -> None:
    user, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    root = bearer("root", "administrator")
    locked = api.patch(f"/api/v1/users/{user}", json={"active": False}, headers=root)
    assert locked.json()["active"] is False
    assert person.get(PATH, tokens).status_code == 401
    assert person.refresh(tokens["refresh_token"]).status_code == 400
    assert Person(api, login).submit().status_code == 401


def test_a_password_is_changed_by_who_knows_it(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    new = "another good password"

    def change(current: str) -> int:
        body = {"current": current, "password": new}
        return int(api.put("/api/v1/password", json=body, headers=headers).status_code)

    assert [change("wrong"), change(person.password), change(person.password)] == [422, 204, 401]
    assert Person(api, login).submit().status_code == 401
    assert Person(api, login, new).submit().status_code == 303

"""Sessions: seen and ended by whose they are, over when they should be, and the same everywhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from testcontainers.core.container import DockerContainer

from business_api.identity.sessions import MAX_FAMILIES, MAX_SESSIONS, Session, Sessions
from business_api.main import app
from chassis.errors import Unavailable
from chassis.testing import ISSUER
from contracts.identity import UserChange
from tests.notes import PATH
from tests.security.support import Person, add_user, bearer, csrf_of

if TYPE_CHECKING:
    from conftest import DataServer


def test_the_cookie_is_out_of_reach(api: TestClient) -> None:
    _, login = add_user(api)
    cookie = Person(api, login).submit().headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie


def test_a_form_from_elsewhere_is_refused(api: TestClient) -> None:
    _, login = add_user(api)
    assert Person(api, login).submit(csrf="made up").status_code == 403
    person = Person(api, login)
    form = {"login": login, "password": person.password, "csrf": "x"}
    # Without the cookie, as a form on another site sends it.
    answer = api.post(person.address(), data=form, follow_redirects=False)
    assert answer.status_code == 403
    assert api.post("/logout", data={"csrf": "x"}).status_code == 403


def test_one_sees_and_ends_ones_own_sessions(api: TestClient) -> None:
    _, login = add_user(api)
    _, other = add_user(api)
    first, second = Person(api, login), Person(api, login)
    of_first, of_second = first.log_in(), second.log_in()
    of_other = Person(api, other).log_in()
    items = first.get("/api/v1/sessions", of_first).json()["items"]
    assert [item["current"] for item in items] == [False, True]

    def end(tokens: dict[str, str], session: str) -> int:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return int(api.delete(f"/api/v1/sessions/{session}", headers=headers).status_code)

    assert end(of_other, items[0]["id"]) == 404
    assert end(of_first, items[0]["id"]) == 204
    assert second.get(PATH, of_second).status_code == 401
    assert second.refresh(of_second["refresh_token"]).status_code == 400
    assert first.get(PATH, of_first).status_code == 200


def test_who_has_logged_in_once_need_not_again_until_logging_out(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    again = api.get(person.address(), follow_redirects=False)
    assert again.status_code == 303
    page = api.get("/logout")
    assert api.post("/logout", data={"csrf": csrf_of(page.text)}).status_code == 200
    assert api.get(person.address(), follow_redirects=False).status_code == 200
    assert person.get(PATH, tokens).status_code == 401


def ask_redis(redis: DockerContainer, *command: str) -> str:
    """Ask Redis itself."""
    address = f"{redis.get_container_host_ip()}:{redis.get_exposed_port(6379)}"
    with Redis.from_url(f"redis://:test@{address}", decode_responses=True) as client:
        return str(client.execute_command(*command))


def test_a_session_that_idles_is_over(
    redis: DockerContainer, data_server: "DataServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    monkeypatch.setenv("ISSUER_ACCESS_TOKEN_SECONDS", "30")
    monkeypatch.setenv("ISSUER_SESSION_IDLE_SECONDS", "60")
    with TestClient(app, base_url=ISSUER) as api:
        _, login = add_user(api)
        person = Person(api, login)
        tokens = person.log_in()
        (session,) = person.get("/api/v1/sessions", tokens).json()["items"]
        key = f"session:{session['id']}"
        assert 0 < int(ask_redis(redis, "ttl", key)) <= 60
        # As if most of the minute were over: to use the session begins it anew.
        ask_redis(redis, "expire", key, "20")
        refreshed = person.refresh(tokens["refresh_token"])
        assert refreshed.status_code == 200
        assert int(ask_redis(redis, "ttl", key)) > 20
        # As if all of it were over.
        ask_redis(redis, "del", key)
        assert person.refresh(refreshed.json()["refresh_token"]).status_code == 400
        assert person.get("/api/v1/sessions", tokens).json()["items"] == []


def test_a_session_ends_in_any_case(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    later = time.time() + 12 * 3600 - 60
    monkeypatch.setattr("business_api.identity.sessions.time", SimpleNamespace(time=lambda: later))
    last = person.refresh(tokens["refresh_token"])
    assert last.status_code == 200
    later += 60
    assert person.refresh(last.json()["refresh_token"]).status_code == 400
    # The browser's cookie is worth nothing either.
    assert api.get(person.address(), follow_redirects=False).status_code == 200


def test_nobody_has_sessions_without_end(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    first = person.log_in()
    for _ in range(MAX_SESSIONS):
        tokens = person.log_in()
    assert len(person.get("/api/v1/sessions", tokens).json()["items"]) == MAX_SESSIONS
    assert person.refresh(first["refresh_token"]).status_code == 400


def test_a_session_has_no_end_of_refresh_tokens(api: TestClient, redis: DockerContainer) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    first = person.log_in()
    for _ in range(MAX_FAMILIES):
        answer = api.get(person.address(), follow_redirects=False)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        assert person.exchange(code).status_code == 200
    (session,) = person.get("/api/v1/sessions", first).json()["items"]
    assert int(ask_redis(redis, "zcard", f"families:{session['id']}")) == MAX_FAMILIES
    # The oldest is gone, and that is no theft: the session goes on.
    assert person.refresh(first["refresh_token"]).status_code == 400
    assert person.get(PATH, first).status_code == 200


def test_a_login_that_meets_a_change_of_the_user_is_none(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, login = add_user(api)
    begin = Sessions.begin

    async def meanwhile(self: Sessions, *arguments: str) -> tuple[Session, str]:
        begun = await begin(self, *arguments)
        change = UserChange(active=False)
        await app.state.identity.users.change_user(user, change)
        return begun

    monkeypatch.setattr(Sessions, "begin", meanwhile)
    assert Person(api, login).submit().status_code == 401


def test_a_replica_that_starts_without_redis_trusts_nobody(
    data_server: "DataServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    monkeypatch.setenv("REDIS_HOST", "127.0.0.1")
    monkeypatch.setenv("REDIS_PORT", "1")
    monkeypatch.setenv("REVOCATION_GRACE_SECONDS", "60")
    with TestClient(app, base_url=ISSUER) as api:
        answer = api.get(PATH, headers=bearer("ada", "test_author"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@contextmanager
def replica(data_server: "DataServer") -> Iterator[TestClient]:
    with TestClient(app, base_url=ISSUER) as client:
        yield client


def test_a_session_survives_a_restart(api: TestClient, data_server: "DataServer") -> None:
    _, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    with replica(data_server) as other:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert other.get("/api/v1/sessions", headers=headers).status_code == 200
        form = {"client_id": "docs", "grant_type": "refresh_token"}
        form |= {"refresh_token": tokens["refresh_token"]}
        assert other.post("/oauth/token", data=form).status_code == 200


def test_a_person_reads_an_error_as_a_page(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, login = add_user(api)
    with monkeypatch.context() as patch:
        patch.setattr("chassis.client.ServiceClient._send", _refused)
        answer = api.get(Person(api, login).address())
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "cannot be reached" in answer.text
    long = Person(api, login).submit(login="x" * 3000)
    assert long.status_code == 422
    assert long.headers["content-type"].startswith("text/html")


async def _refused(*_: object) -> tuple[int, bytes]:
    raise Unavailable("The data service cannot be reached.")

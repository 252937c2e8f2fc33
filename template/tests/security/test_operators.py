"""The commands for operators: the first administrator, a token, the policy."""

import io
import re
import runpy
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import business_api.main
from business_api.identity import __main__ as commands
from chassis.testing import ISSUER
from tests.notes import BODY, PATH
from tests.security.support import ADMIN, PASSWORD, Person, add_user, bearer

if TYPE_CHECKING:
    from conftest import DataServer


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    """Run a command, with what somebody pipes into it."""
    monkeypatch.setattr(sys, "argv", ["identity", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    return commands.main()


def eventually_refused(ask: Callable[[], httpx2.Response]) -> bool:
    """Return whether a token is refused within the seconds that it takes to be known."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if ask().status_code == 401:
            return True
        time.sleep(0.1)
    return False


def test_the_first_administrator_is_made_and_logs_in(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "admin", "Root@Example.org", typed=f"{PASSWORD}\n") == 0
    assert "root@example.org can log in" in capsys.readouterr().out
    tokens = Person(api, "root@example.org").log_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert api.get("/api/v1/users", headers=headers).status_code == 200


def test_who_is_there_already_becomes_an_administrator(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    user, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    other = "another password, a long one"
    assert run(monkeypatch, "admin", login, typed=f"{other}\n") == 0
    assert "was there already" in capsys.readouterr().out
    found = api.get(f"/api/v1/users/{user}", headers=bearer("root", *ADMIN)).json()
    assert set(found["roles"]) == {"administrator", "test_author"}
    assert Person(api, login).submit().status_code == 401
    assert Person(api, login, other).log_in()
    assert person.refresh(tokens["refresh_token"]).status_code == 400
    assert eventually_refused(lambda: person.get(PATH, tokens))


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_an_administrator_gets_no_weak_password(
    api: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    password: str,
) -> None:
    assert run(monkeypatch, "admin", "weak@example.org", typed=f"{password}\n") == 1
    assert "password" in capsys.readouterr().err.casefold()
    listed = api.get("/api/v1/users?limit=100", headers=bearer("root", *ADMIN)).text
    assert "weak@example.org" not in listed


def test_a_token_of_an_operator_works_and_is_in_the_audit_log(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "token", "ada", "test_author") == 0
    headers = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
    assert api.post(PATH, json=BODY, headers=headers).status_code == 201
    log = api.get("/api/v1/audit", headers=bearer("root", *ADMIN)).json()["items"]
    assert ("token.operator", "ada") in {(item["action"], item["who"]) for item in log}


def test_without_the_data_service_no_token_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_SERVICE_URL", "http://127.0.0.1:1")
    assert run(monkeypatch, "token", "ada") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cannot be reached" in printed.err


def test_a_token_for_the_data_service_opens_it(
    data_server: "DataServer", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    assert run(monkeypatch, "data-token", "ada") == 0
    headers = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
    assert httpx2.get(f"{data_server.url}{PATH}", headers=headers).status_code == 200


def test_the_policy_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(monkeypatch, "policy")
    printed = capsys.readouterr().out
    assert re.search(r"^POST /api/v1/users +users:write$", printed, re.MULTILINE)
    assert ("REFUSED" in printed) == (status == 1)


def test_a_route_without_a_line_is_named_with_what_to_add(
    data_server: "DataServer", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app: FastAPI = runpy.run_path(business_api.main.__file__)["app"]
    app.add_api_route("/api/v1/forgotten", lambda: {}, methods=["GET"])
    monkeypatch.setattr(business_api.main, "app", app)
    assert run(monkeypatch, "policy") == 1
    printed = capsys.readouterr().out
    assert "REFUSED" in printed
    assert '"GET /api/v1/forgotten" = "..."' in printed
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    with TestClient(app, base_url=ISSUER) as client:
        answer = client.get("/api/v1/forgotten", headers=bearer("root", *ADMIN))
    assert answer.status_code == 403

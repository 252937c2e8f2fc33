"""API8: what is not said has a safe meaning, and errors tell nothing of the inside."""

import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from business_api.identity.settings import IssuerSettings, OidcSettings
from chassis.security.headers import HEADERS
from chassis.security.keys import private_key
from chassis.security.policy import load_policy
from chassis.security.service_tokens import ServiceAuthenticator
from chassis.security.settings import CallerKeySettings
from chassis.settings import SettingsError, read_settings
from chassis.testing import ISSUER, new_key, service_token
from tests.notes import PATH
from tests.security.support import Person, bearer


def test_the_headers_are_the_full_set() -> None:
    assert HEADERS["x-frame-options"] == "DENY"
    assert HEADERS["x-content-type-options"] == "nosniff"
    assert HEADERS["referrer-policy"] == "same-origin"
    assert "max-age=" in HEADERS["strict-transport-security"]
    assert "default-src 'none'" in HEADERS["content-security-policy"]
    assert "camera=()" in HEADERS["permissions-policy"]


@pytest.mark.parametrize(("path", "status"), [("/health", 200), (PATH, 401), ("/nowhere", 401)])
def test_every_answer_has_the_security_headers(api: TestClient, path: str, status: int) -> None:
    answer = api.get(path)
    assert answer.status_code == status
    assert HEADERS.items() <= dict(answer.headers).items()


def test_the_documentation_is_where_its_login_comes_back_to(api: TestClient) -> None:
    elsewhere = api.get("http://127.0.0.1:8000/docs", follow_redirects=False)
    assert elsewhere.headers["location"] == f"{ISSUER}/docs"
    assert api.get("/docs", follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    "address", ["/health?" + "&".join("a" * 101), "/health?a=%00", "/health%0a", "/health?%1b=1"]
)
def test_an_address_that_nobody_means_is_refused(api: TestClient, address: str) -> None:
    answer = api.get(address)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_page_runs_its_own_scripts_and_no_others(api: TestClient) -> None:
    policy = api.get("/docs").headers["content-security-policy"]
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert scripts.startswith("'self' 'sha256-")
    assert "unsafe" not in scripts
    assert "http" not in api.get("/docs").text.split("<script")[1].split(">")[0]


def test_the_login_page_runs_no_script(api: TestClient) -> None:
    answer = api.get(Person(api, "ada").address())
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy


def test_what_is_typed_is_shown_as_text(api: TestClient) -> None:
    evil = '"><script>alert(1)</script>'
    answer = Person(api, evil, "wrong").submit()
    assert answer.status_code == 401
    assert "<script" not in answer.text


def test_an_error_tells_nothing_of_the_inside(api: TestClient) -> None:
    answer = api.get(f"{PATH}/not-an-id", headers=bearer("root", "administrator"))
    assert answer.status_code == 422
    for inside in ("Traceback", "sqlalchemy", "asyncpg", "/app/", ".py"):
        assert inside not in answer.text


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND"])
def test_an_odd_method_does_nothing(api: TestClient, method: str) -> None:
    answer = api.request(method, PATH, headers=bearer("root", "administrator"))
    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER_SIGNING_KEYS", ""),
        ("ISSUER_URL", "no address"),
        ("ISSUER_ACCESS_TOKEN_SECONDS", "86400"),
        ("ISSUER_SESSION_IDLE_SECONDS", "200"),
    ],
)
def test_a_setting_that_is_not_safe_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="ISSUER_"):
        read_settings(IssuerSettings)


def test_an_issuer_elsewhere_needs_an_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example/realms/app")
    with pytest.raises(SettingsError, match="OIDC_AUDIENCE"):
        read_settings(OidcSettings)


@pytest.mark.parametrize("text", ["hunter2", "AAAA", new_key()[1]])
def test_a_key_that_is_none_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="SOME_KEY") as caught:
        private_key(text, "SOME_KEY")
    assert text not in str(caught.value)


def test_a_service_that_nobody_may_call_does_not_start() -> None:
    with pytest.raises(SettingsError, match="names no service"):
        ServiceAuthenticator("x", CallerKeySettings(public_keys=" "))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[routes]\n"GET /a" = "things:read', "policies/b.toml"),
        ('[routes]\n"GET a" = "things:read"', "should match pattern"),
        ('[routes]\n"GET /a" = "Things"', "should match pattern"),
        ('[rights]\n"GET /a" = "things:read"', "rights"),
        ('[roles.staff]\nown = "things:read"', "own"),
        ('[routes]\n"GET /twice" = "public"', "another file has GET /twice too"),
    ],
)
def test_a_policy_that_is_wrong_stops_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str
) -> None:
    policies = tmp_path / "wrong_service" / "policies"
    policies.mkdir(parents=True)
    (policies.parent / "__init__.py").touch()
    (policies / "a.toml").write_text('[routes]\n"GET /twice" = "things:read"\n')
    (policies / "b.toml").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match=message):
        load_policy("wrong_service")
    sys.modules.pop("wrong_service", None)


def test_what_a_role_may_do() -> None:
    policy = load_policy("business_api")
    assert policy.reach(["administrator"], "anything:at_all") == "all"
    assert policy.reach(["no_such_role"], "users:write") is None
    assert policy.reach([], "authenticated") == "own"
    assert policy.reach(["no_such_role"], "users:read") is None


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
def test_the_data_service_answers_no_stranger(
    data_api: TestClient, headers: dict[str, str]
) -> None:
    del data_api.headers["Authorization"]
    for path in (PATH, "/api/v1/identity/users", "/api/v1/audit", "/openapi.json"):
        assert data_api.get(path, headers=headers).status_code == 401
    assert data_api.get("/health").status_code == 200


def test_the_data_service_answers_no_token_of_a_person(data_api: TestClient) -> None:
    assert data_api.get(PATH, headers=bearer("root", "administrator")).status_code == 401
    for claims in ({"aud": "mail service"}, {"iss": "worker"}):
        headers = {"Authorization": f"Bearer {service_token('ada', **claims)}"}
        assert data_api.get(PATH, headers=headers).status_code == 401

"""With OIDC_ISSUER, somebody else issues the tokens, and this service none."""

import runpy
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from testcontainers.core.container import DockerContainer

import business_api.main
from tests.notes import BODY, PATH
from tests.notes.business import router
from tests.notes.business_policy import permit
from tests.security.issuer import Issuer
from tests.security.support import bearer

if TYPE_CHECKING:
    from conftest import DataServer

AUTHOR: dict[str, object] = {"realm_access": {"roles": ["test_author", "offline_access"]}}


def bearer_of(issuer: Issuer, claims: dict[str, object]) -> dict[str, str]:
    """Return the header of somebody whom the issuer knows."""
    return {"Authorization": f"Bearer {issuer.token(claims=claims)}"}


@pytest.fixture
def api(
    redis: DockerContainer,
    data_server: "DataServer",
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TestClient]:
    """The service as it starts with these settings."""
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    monkeypatch.setenv("OIDC_ISSUER", issuer.url)
    monkeypatch.setenv("OIDC_AUDIENCE", "app")
    app = cast(FastAPI, runpy.run_path(business_api.main.__file__)["app"])
    app.include_router(router)
    permit(app)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_its_tokens_open_what_their_roles_allow(api: TestClient, issuer: Issuer) -> None:
    headers = bearer_of(issuer, AUTHOR)
    note = api.post(PATH, json=BODY, headers=headers)
    assert note.status_code == 201
    path = f"{PATH}/{note.json()['id']}"
    assert api.get(path, headers=headers).status_code == 200
    assert api.post(f"{path}/close", headers=headers).status_code == 403
    nobody = bearer_of(issuer, {"sub": "eve"})
    assert api.get(path, headers=nobody).status_code == 403
    other = bearer_of(issuer, AUTHOR | {"sub": "eve"})
    assert api.get(path, headers=other).status_code == 404


def test_the_audit_log_is_read_with_its_tokens_too(api: TestClient, issuer: Issuer) -> None:
    roles: dict[str, object] = {"realm_access": {"roles": ["administrator"]}}
    headers = bearer_of(issuer, roles)
    assert api.get("/api/v1/audit", headers=headers).status_code == 200


@pytest.mark.parametrize("roles", ["administrator", {"administrator": 1}, [["administrator"]], 7])
def test_roles_of_an_odd_shape_are_none(api: TestClient, issuer: Issuer, roles: object) -> None:
    claims: tuple[dict[str, object], ...] = (
        {"realm_access": {"roles": roles}},
        {"realm_access": roles},
    )
    for claim in claims:
        headers = bearer_of(issuer, claim)
        assert api.get(PATH, headers=headers).status_code == 403


def test_tokens_of_our_own_are_worth_nothing_here(api: TestClient) -> None:
    refused = api.get(PATH, headers=bearer("root", "administrator"))
    assert refused.status_code == 401


@pytest.mark.parametrize("path", ["/oauth/authorize", "/logout", "/.well-known/jwks.json"])
def test_nobody_logs_in_here(api: TestClient, issuer: Issuer, path: str) -> None:
    assert api.get(path).status_code == 401
    assert api.get(path, headers=bearer_of(issuer, AUTHOR)).status_code == 404


def test_the_documentation_sends_people_to_the_issuer(api: TestClient, issuer: Issuer) -> None:
    scheme = api.get("/openapi.json").json()["components"]["securitySchemes"]["login"]
    assert scheme["openIdConnectUrl"] == f"{issuer.url}/.well-known/openid-configuration"
    page = api.get("/docs")
    assert f"connect-src 'self' {issuer.url};" in page.headers["content-security-policy"]


def test_an_issuer_that_is_away_is_said(api: TestClient, issuer: Issuer) -> None:
    issuer.status = 500
    answer = api.get(PATH, headers=bearer_of(issuer, {}))
    assert answer.status_code == 503
    assert "keys of the issuer" in answer.json()["detail"]


@pytest.mark.parametrize("claims", [{"typ": "ID"}, {"at_hash": "x"}, {"sub": "x" * 65}])
def test_what_is_no_access_token_is_refused(
    api: TestClient, issuer: Issuer, claims: dict[str, object]
) -> None:
    assert api.get(PATH, headers=bearer_of(issuer, AUTHOR)).status_code == 200
    refused = api.get(PATH, headers=bearer_of(issuer, AUTHOR | claims))
    assert refused.status_code == 401

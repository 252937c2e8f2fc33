"""API9: what there is, is described, and what is for operators is not for everybody."""

from fastapi.testclient import TestClient

from business_api.main import app
from chassis.security.policy import PUBLIC, lines_of, load_policy
from tests.notes import PATH

# Reachable without a token: each of these has to be, and no others may become so unseen.
PUBLIC_LINES = {
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "GET /docs/oauth2-redirect",
    "GET /docs/assets/{name}",
    "GET /.well-known/openid-configuration",
    "GET /.well-known/jwks.json",
    "GET /oauth/authorize",
    "POST /oauth/authorize",
    "POST /oauth/token",
    "POST /oauth/revoke",
    "GET /logout",
    "POST /logout",
}


def test_what_needs_no_token_is_known() -> None:
    policy = load_policy("business_api")
    public = {line for line in lines_of(app.routes) if policy.permission(line) == PUBLIC}
    # A route of yours that everybody may use: name it here too, so that it is seen.
    assert public <= PUBLIC_LINES | set()
    assert public >= PUBLIC_LINES - {"GET /openapi.json"}


def test_the_document_says_how_to_log_in(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    flow = document["components"]["securitySchemes"]["login"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == "/oauth/authorize"
    assert document["security"] == [{"login": []}]
    assert PATH in document["paths"]
    assert "/metrics" not in document["paths"]

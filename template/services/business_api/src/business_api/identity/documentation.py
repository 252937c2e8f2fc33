"""The page of the API's documentation, which can log in: `/docs`, as the client "docs".

Its script and style come from this service: a page that holds a token loads nothing from others.
"""

import base64
import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from business_api.identity.context import identity_of
from business_api.identity.settings import OidcSettings
from chassis.errors import NotFound

SCHEME = "login"
REDIRECT = "/docs/oauth2-redirect"
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def documentation(app: FastAPI, oidc: OidcSettings) -> None:
    """Serve `/docs`, and tell the OpenAPI document how to log in."""
    _describe_login(app, oidc)
    router = APIRouter(include_in_schema=False)
    elsewhere = "" if oidc.issuer is None else f" {_origin(oidc.issuer)}"

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        if oidc.issuer is None:
            home = identity_of(request).tokens.settings.issuer
            if request.url.netloc != urlsplit(home).netloc:
                # Whoever logs in comes back to the issuer's address, so the page has to be there.
                return RedirectResponse(f"{home}/docs", 307)
        page = get_swagger_ui_html(
            openapi_url=app.openapi_url or "",
            title=app.title,
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon.png",
            oauth2_redirect_url=REDIRECT,
            init_oauth={
                "clientId": oidc.docs_client_id,
                "usePkceWithAuthorizationCodeGrant": True,
                "scopes": "openid",
            },
        )
        return _as_page(page, elsewhere)

    @router.get(REDIRECT)
    async def docs_redirect() -> HTMLResponse:
        return _as_page(get_swagger_ui_oauth2_redirect_html(), elsewhere)

    @router.get("/docs/assets/{name}")
    async def docs_asset(name: str) -> Response:
        if name not in ASSETS:
            raise NotFound(f"There is nothing at /docs/assets/{name[:100]}.")
        cached = {"Cache-Control": "public, max-age=86400"}
        return Response(_asset(name), media_type=ASSETS[name], headers=cached)

    app.include_router(router)


@cache
def _asset(name: str) -> bytes:
    """Return a file, one and the same for all who are slow to read it."""
    return files("fastapi_offline").joinpath("static", name).read_bytes()


def _as_page(page: HTMLResponse, elsewhere: str) -> HTMLResponse:
    """Let the page run its own script, and no other that might find its way into it."""
    scripts = re.findall(r"<script>(.*?)</script>", bytes(page.body).decode(), re.DOTALL)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data:; connect-src 'self'{elsewhere}; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    if elsewhere:
        # The window in which one logs in comes from another origin, and has to find its way back.
        page.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    return page


def _describe_login(app: FastAPI, oidc: OidcSettings) -> None:
    scheme: dict[str, Any] = {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize",
                "tokenUrl": "/oauth/token",
                "scopes": {"openid": "who you are"},
            }
        },
    }
    if oidc.issuer is not None:
        url = oidc.issuer.rstrip("/") + "/.well-known/openid-configuration"
        scheme = {"type": "openIdConnect", "openIdConnectUrl": url}
    make = app.openapi

    def openapi() -> dict[str, Any]:
        document = make()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes[SCHEME] = scheme
        document["security"] = [{SCHEME: []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

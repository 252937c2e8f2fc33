"""The endpoints of OAuth that programs call: tokens, and their end."""

import base64
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from business_api.identity.context import identity_of
from business_api.identity.oauth import OAuthError
from chassis.security.principal import network_of


class TokenRoute(APIRoute):
    """A route whose errors are those of RFC 6749, whatever is wrong with the form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def as_oauth(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException):
                return _oauth_error(OAuthError("invalid_request", "The form cannot be read."))

        return as_oauth


router = APIRouter(prefix="/oauth", tags=["login"], route_class=TokenRoute)

Text = Annotated[str, Form(max_length=2000)]
OptionalText = Annotated[str | None, Form(max_length=2000)]


@router.post("/token")
async def token(
    request: Request,
    grant_type: Text = "",
    client_id: Text = "",
    client_secret: OptionalText = None,
    code: Text = "",
    code_verifier: Text = "",
    redirect_uri: Text = "",
    refresh_token: Text = "",
) -> Response:
    """Give tokens for a code, a refresh token, or the client's own credentials (RFC 6749)."""
    authorization = identity_of(request).authorization
    try:
        credentials = await _credentials(request, client_id, client_secret)
        client = await authorization.client(*credentials, network_of(request.scope))
        if grant_type == "authorization_code":
            answer = await authorization.by_code(client, code, code_verifier, redirect_uri)
        elif grant_type == "refresh_token":
            answer = await authorization.by_refresh_token(client, refresh_token)
        elif grant_type == "client_credentials":
            answer = await authorization.by_itself(client)
        else:
            code = "unsupported_grant_type" if grant_type else "invalid_request"
            raise OAuthError(code, "This grant type is not supported.")
    except OAuthError as error:
        return _oauth_error(error)
    return _fresh(answer)


@router.post("/revoke")
async def revoke(
    request: Request,
    token: Text = "",
    client_id: Text = "",
    client_secret: OptionalText = None,
) -> Response:
    """End the session of a refresh token (RFC 7009)."""
    authorization = identity_of(request).authorization
    try:
        credentials = await _credentials(request, client_id, client_secret)
        client = await authorization.client(*credentials, network_of(request.scope))
    except OAuthError as error:
        return _oauth_error(error)
    await authorization.revoke(client, token)
    return _fresh({})


async def _credentials(
    request: Request, client_id: str, secret: str | None
) -> tuple[str, str | None]:
    """Return the client's id and secret: of the Authorization header, or of the form."""
    form = await request.form()
    if len(form.multi_items()) != len(form):
        raise OAuthError("invalid_request", "A parameter is there twice.")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return client_id, secret
    if secret is not None:
        raise OAuthError("invalid_request", "Send the client's secret in one way.")
    try:
        name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        raise OAuthError("invalid_client", "The Authorization header is not valid.", 401) from None
    return unquote_plus(name), unquote_plus(password)


def _fresh(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _oauth_error(error: OAuthError) -> JSONResponse:
    answer = JSONResponse(
        {"error": error.code, "error_description": error.description}, error.status
    )
    answer.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="token"'
    return answer

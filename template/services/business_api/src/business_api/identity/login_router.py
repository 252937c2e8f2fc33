"""The pages on which people log in and out."""

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from business_api.identity.context import Identity, identity_of
from business_api.identity.cookies import (
    SESSION,
    clear_session,
    csrf_token,
    is_csrf,
    set_csrf,
    set_session,
)
from business_api.identity.login import TooManyAttempts
from business_api.identity.oauth import AuthorizationRequest, NotToBeSentOn, OAuthError
from business_api.identity.pages import login_page, logout_page, message_page
from business_api.identity.sessions import Session
from chassis.errors import ServiceError
from chassis.security.principal import network_of
from contracts.audit import AuditEvent

log = logging.getLogger(__name__)

Text = Annotated[str, Form(max_length=2000)]


class PageRoute(APIRoute):
    """A route whose answers people read, so its errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                return message_page("Not possible", "The form holds what it cannot hold.", 422)
            except HTTPException as error:
                return message_page("Not possible", "The form cannot be read.", error.status_code)
            except ServiceError as error:
                log.warning("%s: %s (%r)", request.url.path, error.detail, error.__cause__)
                return message_page("Not possible now", f"{error.detail} Try again.", error.status)

        return as_page


router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/oauth/authorize")
async def ask_to_log_in(request: Request) -> Response:
    """Show the form, or go on at once when this browser has logged in already."""
    identity = identity_of(request)
    asked = await _read(request)
    if isinstance(asked, Response):
        return asked
    session = await _session(request)
    if session is not None and asked.is_satisfied_by(session):
        return await _go_on(identity, asked, session)
    if "none" in asked.prompt:
        error = OAuthError("login_required", "Somebody has to log in.")
        return _send_back(request, asked, error)
    return _form(request, asked)


@router.post("/oauth/authorize")
async def log_in(
    request: Request, csrf: Text = "", login: Text = "", password: Text = ""
) -> Response:
    """Check the form, begin a session, and go on to the client."""
    identity = identity_of(request)
    asked = await _read(request)
    if isinstance(asked, Response):
        return asked
    network = network_of(request.scope) or "unknown"
    if not is_csrf(request, csrf):
        identity.denials.note("login", "a form from elsewhere", None, network)
        return _form(request, asked, "This page was open for too long. Try again.", login, 403)
    try:
        user = await identity.logins.check(login, password, network)
    except TooManyAttempts as refused:
        problem = f"Too many attempts. Try again in {refused.seconds // 60} minutes."
        answer = _form(request, asked, problem, login, 429)
        answer.headers["Retry-After"] = str(refused.seconds)
        return answer
    if user is None:
        return _form(request, asked, "This login and password do not belong together.", login, 401)
    session, cookie = await identity.sessions.begin(
        user.id, network, request.headers.get("user-agent", "")
    )
    # What the password was checked against may have been changed since, and all sessions ended.
    if await identity.users.user(user.id) != user:
        await identity.sessions.end(session.id)
        return _form(request, asked, "This user was just changed. Try again.", login, 401)
    await identity.audit.append(
        AuditEvent(action="login", who=user.id, network=network, detail=f"session {session.id}")
    )
    answer = await _go_on(identity, asked, session)
    set_session(answer, cookie, identity.tokens.settings.session_absolute_seconds)
    return answer


@router.get("/logout")
async def ask_to_log_out(request: Request) -> Response:
    """Show the form that ends the session of this browser."""
    csrf = csrf_token(request)
    page = logout_page(csrf)
    set_csrf(page, csrf)
    return page


@router.post("/logout")
async def log_out(request: Request, csrf: Text = "") -> Response:
    """End the session of this browser, and every token that came from it."""
    if not is_csrf(request, csrf):
        return message_page(
            "Not logged out", "This page was open for too long. Go back, and try again.", 403
        )
    identity = identity_of(request)
    session = await _session(request)
    if session is not None:
        await identity.audit.append(
            AuditEvent(action="logout", who=session.user, detail=f"session {session.id}")
        )
        await identity.sessions.end(session.id)
    page = message_page("Logged out", "Your session has ended.", 200)
    clear_session(page)
    return page


async def _read(request: Request) -> AuthorizationRequest | Response:
    """Return what the client asks for, or what the browser is to be told instead."""
    authorization = identity_of(request).authorization
    query = dict(request.query_params)
    if len(query) != len(request.query_params.multi_items()):
        return message_page("Not possible", "A parameter is there twice.", 400)
    try:
        asked = await authorization.read(query)
    except NotToBeSentOn as error:
        return message_page("Not possible", str(error), 400)
    try:
        authorization.check(asked, query)
    except OAuthError as error:
        return _send_back(request, asked, error)
    return asked


def _send_back(request: Request, asked: AuthorizationRequest, error: OAuthError) -> Response:
    """Tell the client, by way of the browser, why there is no code."""
    issuer = identity_of(request).tokens.settings.issuer
    to = asked.answer(issuer, error=error.code, error_description=error.description)
    return RedirectResponse(to, 303)


async def _session(request: Request) -> Session | None:
    cookie = request.cookies.get(SESSION)
    return None if not cookie else await identity_of(request).sessions.of_cookie(cookie)


async def _go_on(identity: Identity, asked: AuthorizationRequest, session: Session) -> Response:
    code = await identity.authorization.code(asked, session)
    return RedirectResponse(asked.answer(identity.tokens.settings.issuer, code=code), 303)


def _form(
    request: Request,
    asked: AuthorizationRequest,
    problem: str = "",
    login: str = "",
    status: int = 200,
) -> Response:
    csrf = csrf_token(request)
    page = login_page(asked.client.name, csrf, asked.redirect_uri, problem, login, status)
    set_csrf(page, csrf)
    return page

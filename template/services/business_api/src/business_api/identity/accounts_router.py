"""Routes for one's own sessions and password, and for those who administer users and clients."""

import re
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, cast
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Query, Request

from business_api.identity.context import identity_of
from business_api.identity.login import TooManyAttempts
from business_api.identity.passwords import hash_password
from business_api.identity.schemas import (
    AddClient,
    AddUser,
    ChangePassword,
    ChangeUser,
    NewOAuthClient,
    SessionList,
    SessionView,
)
from chassis.errors import Invalid, NotFound
from chassis.security.policy import Policy
from chassis.security.principal import current_principal, network_of
from chassis.security.revocation import Revocations
from chassis.subject import Subject
from contracts.audit import AuditEvent
from contracts.identity import (
    ClientList,
    NewClient,
    NewUser,
    OAuthClient,
    SubjectId,
    User,
    UserChange,
    UserPage,
)

router = APIRouter(prefix="/api/v1", tags=["identity"])

# https, an app's own scheme, or this machine: elsewhere a code would travel in the open.
_REDIRECT = re.compile(
    r"/[^/\s#\\][^\s#\\]*"
    r"|https://[^\s/?#@\\]+[^\s#\\]*"
    r"|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s#\\]*)?"
    r"|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/[^\s#\\]*"
)


@router.get("/sessions")
async def list_sessions(request: Request, caller: Subject) -> SessionList:
    """List the caller's logins."""
    principal = current_principal()
    current = principal.session if principal is not None else None
    found = await identity_of(request).sessions.of_user(caller)
    return SessionList(
        items=tuple(
            SessionView(
                id=session.id,
                created_at=datetime.fromtimestamp(session.created, UTC),
                used_at=datetime.fromtimestamp(session.used, UTC),
                network=session.network,
                agent=session.agent,
                current=session.id == current,
            )
            for session in found
        )
    )


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: str, request: Request, caller: Subject) -> None:
    """End a login of the caller's; within seconds none of its tokens is accepted."""
    identity = identity_of(request)
    if session_id not in {session.id for session in await identity.sessions.of_user(caller)}:
        raise NotFound(f"You have no session {session_id[:64]}.")
    await identity.audit.append(
        AuditEvent(action="session.ended", who=caller, detail=f"session {session_id}")
    )
    await identity.sessions.end(session_id)


@router.put("/password", status_code=204)
async def change_password(change: ChangePassword, request: Request, caller: Subject) -> None:
    """Change the caller's password; every session ends."""
    identity = identity_of(request)
    user = await identity.users.user(caller)
    network = network_of(request.scope) or "unknown"
    try:
        is_right = await identity.logins.confirm(user, change.current.get_secret_value(), network)
    except TooManyAttempts as refused:
        headers = {"Retry-After": str(refused.seconds)}
        raise HTTPException(429, "Too many attempts. Try again later.", headers) from None
    if not is_right:
        raise Invalid(
            "The current password is not right.",
            [{"field": "body.current", "message": "not right"}],
        )
    hashed = await hash_password(change.password.get_secret_value())
    # Before the change too: if sessions cannot be ended, nothing may have happened yet.
    await identity.sessions.end_all(caller)
    await identity.users.change_user(caller, UserChange(password_hash=hashed))
    await identity.sessions.end_all(caller)


@router.get("/users")
async def list_users(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> UserPage:
    """List users by login; pass `next_login` as `after` for those that follow."""
    return await identity_of(request).users.users(limit, after)


@router.post("/users", status_code=201)
async def add_user(new: AddUser, request: Request) -> User:
    """Add a person who can log in."""
    _check_roles(request, new.roles)
    hashed = await hash_password(new.password.get_secret_value())
    user = NewUser(login=new.login, roles=new.roles, password_hash=hashed)
    return await identity_of(request).users.create_user(new.id or uuid4().hex, user)


@router.get("/users/{user_id}")
async def get_user(user_id: SubjectId, request: Request) -> User:
    """Return one user."""
    user = await identity_of(request).users.user(user_id)
    return User(**user.model_dump(exclude={"password_hash"}))


@router.patch("/users/{user_id}")
async def change_user(
    user_id: SubjectId, change: ChangeUser, request: Request, caller: Subject
) -> User:
    """Change a user's roles or password, or lock the user out; every session of theirs ends."""
    _check_roles(request, change.roles or ())
    hashed = None
    if change.password is not None:
        hashed = await hash_password(change.password.get_secret_value())
    changed = UserChange(roles=change.roles, active=change.active, password_hash=hashed)
    if change == ChangeUser():
        raise Invalid("Say what is to be different: roles, active or password.")
    identity = identity_of(request)
    # Of itself the end of sessions is no write, so it would not be in the log.
    await identity.audit.append(
        AuditEvent(action="sessions.ended", who=caller, entity="users", rows=(user_id,))
    )
    await identity.sessions.end_all(user_id)
    user = await identity.users.change_user(user_id, changed)
    await identity.sessions.end_all(user_id)
    return user


@router.get("/clients")
async def list_clients(request: Request) -> ClientList:
    """List the programs that may ask for tokens."""
    return await identity_of(request).users.clients()


@router.post("/clients", status_code=201)
async def add_client(new: AddClient, request: Request) -> NewOAuthClient:
    """Add a program; the answer holds its secret, which nobody can read again."""
    _check_roles(request, new.roles)
    for uri in new.redirect_uris:
        if not _REDIRECT.fullmatch(uri) or not _is_port(uri):
            message = f"{uri} is no address that a browser may be sent to: use https."
            raise Invalid(message, [{"field": "body.redirect_uris", "message": "not possible"}])
    if new.roles and not new.confidential:
        raise Invalid("A client with roles acts as itself, and needs a secret for that.")
    secret = secrets.token_urlsafe(32) if new.confidential else None
    client = NewClient(
        name=new.name,
        redirect_uris=new.redirect_uris,
        roles=new.roles,
        secret_hash=None if secret is None else sha256(secret.encode()).hexdigest(),
    )
    stored = await identity_of(request).users.create_client(uuid4().hex, client)
    return NewOAuthClient(**dict(stored), secret=secret)


@router.delete("/clients/{client_id}")
async def delete_client(client_id: SubjectId, request: Request) -> OAuthClient:
    """Delete a program; within seconds none of its tokens is accepted."""
    # First, so that tokens end whatever becomes of the answer to what follows.
    await cast(Revocations, request.app.state.revocations).revoke([client_id])
    return await identity_of(request).users.delete_client(client_id)


def _check_roles(request: Request, roles: tuple[str, ...]) -> None:
    policy = cast(Policy, request.app.state.policy)
    if unknown := sorted(set(roles) - policy.roles.keys()):
        known = ", ".join(sorted(policy.roles))
        message = f"There is no role {', '.join(unknown)}; there are {known}."
        raise Invalid(message, [{"field": "body.roles", "message": message}])


def _is_port(uri: str) -> bool:
    try:
        return urlsplit(uri).port != 0
    except ValueError:
        return False

"""OAuth 2.1: authorization codes with PKCE for people, client credentials for machines."""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from business_api.identity.denials import Denials
from business_api.identity.gateway import AuditGateway, IdentityGateway
from business_api.identity.metrics import REUSED
from business_api.identity.sessions import Grant, Reused, Session, Sessions
from business_api.identity.tokens import TokenIssuer
from chassis.errors import NotFound
from contracts.audit import AuditEvent
from contracts.identity import StoredClient, StoredUser

BEARER = "Bearer"

MAX_LENGTH = 1000

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}(?=/|$)")


class OAuthError(Exception):
    """An error that the client is told, with a code of RFC 6749."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


class NotToBeSentOn(Exception):
    """An error of a request of which nobody knows that it is a client's: shown, not redirected."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks the browser to ask; checked."""

    client: StoredClient
    redirect_uri: str
    state: str
    challenge: str
    nonce: str
    scope: str
    prompt: frozenset[str]
    max_age: str

    def is_satisfied_by(self, session: Session) -> bool:
        """Return whether the client is content with a login of before."""
        if self.prompt & {"login", "select_account"}:
            return False
        return not self.max_age or time.time() - session.created <= int(self.max_age)

    def answer(self, issuer: str, **parameters: str) -> str:
        """Return where the browser goes now (RFC 6749), with the issuer (RFC 9207)."""
        query = {**parameters, "iss": issuer} | ({"state": self.state} if self.state else {})
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{separator}{urlencode(query)}"


class Authorization:
    """Turns logins into codes and codes into tokens."""

    def __init__(
        self,
        identity: IdentityGateway,
        audit: AuditGateway,
        denials: Denials,
        sessions: Sessions,
        tokens: TokenIssuer,
    ) -> None:
        self._identity = identity
        self._audit = audit
        self._denials = denials
        self._sessions = sessions
        self._tokens = tokens

    async def read(self, query: dict[str, str]) -> AuthorizationRequest:
        """Check what a client asks for.

        Raises `NotToBeSentOn` for a client or address that is not known, and `OAuthError` for what
        the client may be told.
        """
        client = await self._client(query.get("client_id", ""))
        if client is None:
            raise NotToBeSentOn("No program of this name may log people in here.")
        asked = query.get("redirect_uri", "")
        # Compared as text: a pattern would let somebody else's address through.
        allowed = [self._absolute(uri) for uri in client.redirect_uris]
        if _without_port(asked) not in map(_without_port, allowed):
            raise NotToBeSentOn(
                "The program wants to be answered at an address that is not its own."
            )
        return AuthorizationRequest(
            client=client,
            redirect_uri=asked,
            state=query.get("state", ""),
            challenge=query.get("code_challenge", ""),
            nonce=query.get("nonce", ""),
            scope=query.get("scope", ""),
            prompt=frozenset(query.get("prompt", "").split()),
            max_age=query.get("max_age", ""),
        )

    def check(self, request: AuthorizationRequest, query: dict[str, str]) -> None:
        """Raise `OAuthError` for what the client does wrong."""
        if query.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "Only response_type=code is supported.")
        if max(map(len, (request.state, request.nonce, request.scope))) > MAX_LENGTH:
            raise OAuthError("invalid_request", f"A parameter has {MAX_LENGTH} characters at most.")
        if "none" in request.prompt and len(request.prompt) > 1:
            raise OAuthError("invalid_request", "prompt=none goes with no other.")
        if request.max_age and not _SECONDS.fullmatch(request.max_age):
            raise OAuthError("invalid_request", "max_age is a number of seconds.")
        if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(
            request.challenge
        ):
            raise OAuthError("invalid_request", "PKCE with code_challenge_method=S256 is required.")

    async def code(self, request: AuthorizationRequest, session: Session) -> str:
        """Return an authorization code for who has logged in."""
        grant = Grant(
            session=session.id,
            client=request.client.id,
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
            nonce=request.nonce,
            scope=request.scope,
        )
        return await self._sessions.issue_code(grant)

    async def client(self, client_id: str, secret: str | None, network: str | None) -> StoredClient:
        """Return the client that asks, or raise `OAuthError`."""
        client = await self._client(client_id)
        if client is not None and client.secret_hash is None and not secret:
            return client
        given = sha256((secret or "").encode()).hexdigest()
        known = client.secret_hash if client is not None else None
        if client is None or known is None or not hmac.compare_digest(given, known):
            who = None if client is None else client.id
            self._denials.note("token", "not known, or a wrong secret", who, network)
            raise OAuthError("invalid_client", "The client is not known, or its secret wrong.", 401)
        return client

    async def by_code(
        self, client: StoredClient, code: str, verifier: str, redirect_uri: str
    ) -> dict[str, Any]:
        """Exchange an authorization code for tokens."""
        # First what may fail: a code that could not be answered is not used up.
        person = await self._person(await self._sessions.grant_of_code(code))
        grant = await self._redeem(client, code)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        is_right = _VERIFIER.fullmatch(verifier) and hmac.compare_digest(challenge, grant.challenge)
        if not is_right or redirect_uri != grant.redirect_uri:
            raise OAuthError("invalid_grant", "The code was made for another request.")
        if person is None:
            raise _invalid_grant()
        return await self._tokens_of(grant, *person)

    async def by_refresh_token(self, client: StoredClient, token: str) -> dict[str, Any]:
        """Exchange a refresh token for new tokens; the old one is worth nothing after."""
        # First what may fail: a token that could not be answered is not used up.
        person = await self._person(await self._sessions.grant_of(token))
        try:
            rotated = await self._sessions.rotate(token, client.id)
        except Reused as reused:
            await self._end_of_reused("refresh", reused.session)
            rotated = None
        if rotated is None or person is None:
            raise _invalid_grant()
        grant, refresh = rotated
        return await self._tokens_of(grant, *person, refresh)

    async def by_itself(self, client: StoredClient) -> dict[str, Any]:
        """Return a token for a machine, with the roles of the client."""
        if client.secret_hash is None:
            raise OAuthError("unauthorized_client", "A public client cannot act as itself.")
        await self._audit.append(AuditEvent(action="token.client", who=client.id))
        token, seconds = self._tokens.access_token(client.id, client.roles, client.id)
        return {"access_token": token, "token_type": BEARER, "expires_in": seconds}

    async def revoke(self, client: StoredClient, token: str) -> None:
        """End the session of a refresh token (RFC 7009); one that is unknown is no error."""
        grant = await self._sessions.grant_of(token)
        if grant is not None and grant.client == client.id:
            event = AuditEvent(
                action="session.ended", who=client.id, detail=f"session {grant.session}"
            )
            await self._audit.append(event)
            await self._sessions.end(grant.session)

    async def _redeem(self, client: StoredClient, code: str) -> Grant:
        try:
            grant = await self._sessions.redeem(code)
        except Reused as reused:
            await self._end_of_reused("code", reused.session)
            grant = None
        if grant is None or grant.client != client.id:
            raise _invalid_grant()
        return grant

    async def _end_of_reused(self, kind: str, session: str) -> None:
        """End a session of which somebody has a copy: thief or owner, nobody can tell."""
        REUSED.labels("refresh token" if kind == "refresh" else kind).inc()
        await self._sessions.end(session)
        event = AuditEvent(
            action=f"{kind}.reused", outcome="refused", detail=f"session {session} was ended"
        )
        await self._audit.append(event)

    async def _person(self, grant: Grant | None) -> tuple[Session, StoredUser] | None:
        """Return whose session a grant is of, None when it has ended or the user is locked."""
        session = await self._sessions.use(grant.session) if grant else None
        user = await self._identity.user(session.user) if session else None
        return (session, user) if session and user and user.active else None

    async def _tokens_of(
        self, grant: Grant, session: Session, user: StoredUser, refresh: str | None = None
    ) -> dict[str, Any]:
        until = session.created + self._tokens.settings.session_absolute_seconds
        token, seconds = self._tokens.access_token(
            user.id, user.roles, grant.client, session.id, until
        )
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": BEARER,
            "expires_in": seconds,
            "refresh_token": refresh or await self._sessions.begin_refreshing(grant, session),
        }
        if "openid" in grant.scope.split():
            answer["id_token"] = self._tokens.id_token(
                user.id, grant.client, session.id, grant.nonce, session.created
            )
        return answer

    async def _client(self, client_id: str) -> StoredClient | None:
        if not _ID.fullmatch(client_id):
            return None
        try:
            return await self._identity.client(client_id)
        except NotFound:
            return None

    def _absolute(self, redirect_uri: str) -> str:
        if redirect_uri.startswith("/"):
            return self._tokens.settings.issuer + redirect_uri
        return redirect_uri


def _without_port(uri: str) -> str:
    """Return `uri` as it is compared: on this machine itself any port will do (RFC 8252)."""
    return _LOOPBACK.sub(r"\1", uri, count=1)


def _invalid_grant() -> OAuthError:
    return OAuthError("invalid_grant", "This is not valid, was used before, or has expired.")

"""Between services: each call is signed for a minute, and says for whom it is made."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.app import Feature
from chassis.security.authentication import bearer_token, unauthenticated
from chassis.security.keys import ALGORITHM, private_key, public_key
from chassis.security.principal import Principal, current_principal, set_principal
from chassis.security.settings import CallerKeySettings, ServiceKeySettings
from chassis.security.tokens import FixedKeys, InvalidToken, TokenVerifier, read_header
from chassis.settings import SettingsError, read_settings

KIND = "service+jwt"
LIFETIME_SECONDS = 60
# A token serves many calls: to sign one costs as much as a small request.
REUSE_SECONDS = 20
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Signed:
    token: str
    reuse_until: float


class Signer:
    """Signs what a service sends, as itself or for whoever called it."""

    def __init__(self, service: str, key: ECKey) -> None:
        self._service = service
        self._key = key
        self._signed: dict[tuple[str, Principal | None], _Signed] = {}

    def token(self, audience: str, principal: Principal | None) -> str:
        """Return a token for `audience` that names `principal`, or this service itself."""
        signed = self._signed.get((audience, principal))
        now = time.time()
        if signed is None or signed.reuse_until < now:
            if len(self._signed) >= MAX_REMEMBERED:
                self._signed.clear()
            signed = _Signed(self._sign(audience, principal, int(now)), now + REUSE_SECONDS)
            self._signed[audience, principal] = signed
        return signed.token

    def _sign(self, audience: str, principal: Principal | None, now: int) -> str:
        claims: dict[str, Any] = {
            "iss": self._service,
            "aud": audience,
            "sub": self._service if principal is None else principal.subject,
            "reach": "all" if principal is None else principal.reach,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
        }
        if principal is not None:
            claims |= {"sid": principal.session, "network": principal.network}
            claims["roles"] = sorted(principal.roles)
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": KIND}
        return jwt.encode(header, claims, self._key)


_signer: Signer | None = None


def service_token(audience: str, principal: Principal | None) -> str:
    """Return what proves to the service `audience` who calls it, and for whom."""
    if _signer is None:
        raise RuntimeError("A call to another service is made before this one has started.")
    return _signer.token(audience, principal)


def service_token_headers(audience: str) -> dict[str, str]:
    """Return the header of a call that is made for the current caller."""
    return {"Authorization": f"Bearer {service_token(audience, current_principal())}"}


def sign_calls_as(service: str) -> None:
    """Let this process call other services as `service`; raise `SettingsError` without a key."""
    global _signer
    settings = read_settings(ServiceKeySettings)
    key = private_key(settings.private_key.get_secret_value(), "SERVICE_PRIVATE_KEY")
    _signer = Signer(service, key)


def signed_calls(service: str) -> Feature:
    """Return the feature that signs all calls to other services as `service`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sign_calls_as(service)
        yield

    return lambda app: app.include_router(APIRouter(lifespan=lifespan))


class ServiceAuthenticator:
    """Accepts the calls of services whose keys it was given."""

    def __init__(self, audience: str, settings: CallerKeySettings) -> None:
        self._verifiers: dict[str, TokenVerifier] = {}
        for caller in settings.public_keys.split():
            name, _, text = caller.partition(":")
            key = public_key(text, f"SERVICE_PUBLIC_KEYS of {name}")
            self._verifiers[str(key.kid)] = TokenVerifier(
                name, audience, FixedKeys([key]), kind=KIND
            )
        if not self._verifiers:
            raise SettingsError("SERVICE_PUBLIC_KEYS names no service that may call this one.")

    async def authenticate(self, token: str) -> Principal:
        verifier = self._verifiers.get(str(read_header(token).get("kid")))
        if verifier is None:
            raise InvalidToken("The token is signed with a key that nobody knows.")
        claims = await verifier.verify(token)
        return Principal(
            claims["sub"],
            frozenset(claims.get("roles", ())),
            client=claims["iss"],
            session=claims.get("sid"),
            network=claims.get("network"),
            reach="all" if claims.get("reach") == "all" else "own",
        )


class _ServiceGuard:
    def __init__(self, app: ASGIApp, is_public: Callable[[str], bool]) -> None:
        self._app = app
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        set_principal(None)
        refusal = None if self._is_public(scope["path"]) else await self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> JSONResponse | None:
        authenticator: ServiceAuthenticator = scope["app"].state.callers
        try:
            token = bearer_token(scope)
            if token is None:
                return unauthenticated("Only other services of this system may call this one.")
            set_principal(await authenticator.authenticate(token))
        except InvalidToken as error:
            return unauthenticated(str(error), "invalid_token")
        return None


def service_calls_only(service: str, public: frozenset[str]) -> Feature:
    """Return the feature that refuses all but signed calls to `service`; `public` are paths."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.callers = ServiceAuthenticator(service, read_settings(CallerKeySettings))
        yield

    def install(app: FastAPI) -> None:
        app.include_router(APIRouter(lifespan=lifespan))
        app.add_middleware(_ServiceGuard, is_public=public.__contains__)

    return install

"""Puts logging in and the guard into the service: from here on, every request needs a token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI

from business_api.identity import (
    accounts_router,
    audit_router,
    login_router,
    token_router,
    wellknown_router,
)
from business_api.identity.context import Identity
from business_api.identity.denials import Denials
from business_api.identity.documentation import documentation
from business_api.identity.gateway import AuditGateway, IdentityGateway
from business_api.identity.login import Logins
from business_api.identity.oauth import Authorization
from business_api.identity.sessions import Sessions
from business_api.identity.settings import IssuerSettings, OidcSettings, RevocationSettings
from business_api.identity.tokens import AccessTokens, TokenIssuer, own_tokens
from chassis.client import ServiceClient
from chassis.redis import RedisSettings, connect
from chassis.security.authentication import GuardMiddleware
from chassis.security.discovery import DiscoveredKeys
from chassis.security.policy import load_policy
from chassis.security.revocation import REMEMBER_SECONDS, Revocations
from chassis.security.tokens import TokenVerifier
from chassis.settings import read_settings


def identity(app: FastAPI) -> None:
    """Guard every route of `app` by the policy, and issue tokens unless somebody else does."""
    policy = load_policy("business_api")
    oidc = read_settings(OidcSettings)
    denials = Denials()
    app.state.policy = policy
    if oidc.issuer is None:
        for part in (wellknown_router, login_router, token_router, accounts_router):
            app.include_router(part.router)
    app.include_router(audit_router.router)
    app.include_router(APIRouter(lifespan=lambda app: _running(app, oidc, denials)))
    app.add_middleware(GuardMiddleware, denied=denials)
    documentation(app, oidc)


@asynccontextmanager
async def _running(app: FastAPI, oidc: OidcSettings, denials: Denials) -> AsyncIterator[None]:
    redis_settings = read_settings(RedisSettings)
    data_service: ServiceClient = app.state.data_service
    audit = AuditGateway(data_service)
    async with connect(redis_settings) as redis:
        grace = read_settings(RevocationSettings).grace_seconds
        revocations = Revocations(redis, REMEMBER_SECONDS, grace)
        app.state.revocations = revocations
        if oidc.issuer is None:
            settings = read_settings(IssuerSettings)
            issuer = TokenIssuer(settings)
            sessions = Sessions(redis, settings, revocations)
            users = IdentityGateway(data_service)
            app.state.identity = Identity(
                users,
                audit,
                denials,
                Authorization(users, audit, denials, sessions, issuer),
                sessions,
                Logins(users, audit, denials, settings, redis_settings),
                issuer,
            )
            tokens = AccessTokens(own_tokens(issuer), "roles", revocations)
        else:
            verifier = TokenVerifier(
                oidc.issuer,
                oidc.audience,
                DiscoveredKeys(oidc.issuer),
                # Keycloak and others leave nbf out; it is checked where it is there.
                essential=("exp", "iat", "sub"),
            )
            tokens = AccessTokens(verifier, oidc.roles_claim, revocations)
        app.state.authenticator = tokens
        await revocations.read()
        background = [
            asyncio.create_task(revocations.follow()),
            asyncio.create_task(denials.keep(audit)),
        ]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            for task in background:
                with suppress(asyncio.CancelledError):
                    await task

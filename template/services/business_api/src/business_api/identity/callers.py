"""Calls of other services of this system, which they make for people that they know: the bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import APIRouter, FastAPI

from chassis.security.authentication import Authenticator
from chassis.security.principal import Principal
from chassis.security.service_tokens import KIND, ServiceAuthenticator
from chassis.security.settings import CallerKeySettings
from chassis.security.tokens import InvalidToken, read_header
from chassis.settings import read_settings

# What people may be who come through another service; who administers logs in here.
ROLES = frozenset({"bot_reader", "bot_user"})
PEOPLE = "telegram:"


class Callers:
    """Accepts what services of this system have signed, and everything that was accepted before."""

    def __init__(self, people: Authenticator, services: ServiceAuthenticator) -> None:
        self._people = people
        self._services = services

    async def authenticate(self, token: str) -> Principal:
        """Return whom the token names; raise `InvalidToken`, or `Unavailable`."""
        if read_header(token).get("typ") != KIND:
            return await self._people.authenticate(token)
        principal = await self._services.authenticate(token)
        # Nobody who logs in here is called so: whoever has the key cannot act as one of them.
        if not principal.subject.startswith(PEOPLE):
            raise InvalidToken("The token names nobody whom another service may call for.")
        # How far the roles reach the policy of this service says.
        return replace(principal, roles=principal.roles & ROLES, reach="own")


def calls_of_services(app: FastAPI) -> None:
    """Let the services in SERVICE_PUBLIC_KEYS call `app`; install it after the identity."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = ServiceAuthenticator("business service", read_settings(CallerKeySettings))
        app.state.authenticator = Callers(app.state.authenticator, services)
        yield

    app.include_router(APIRouter(lifespan=lifespan))

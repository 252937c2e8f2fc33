"""Whom a verified token names, for as long as the request lasts."""

from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from starlette.types import Scope

Reach = Literal["own", "all"]
"""Whether somebody may see what is theirs, or what is anybody's."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The subject of a token.

    `client` is the program that asked for it, or the service that calls; `session` the login that
    it comes from, if a person logged in; `network` the part of the address that many share.
    """

    subject: str
    roles: frozenset[str] = frozenset()
    client: str | None = None
    session: str | None = None
    reach: Reach = "own"
    network: str | None = None


_principal: ContextVar[Principal | None] = ContextVar("principal", default=None)


def current_principal() -> Principal | None:
    """Return who calls, or None for a public route and outside of requests."""
    return _principal.get()


def set_principal(principal: Principal | None) -> None:
    """Say who calls; every request has to, because a pipelined one inherits what the last set."""
    _principal.set(principal)


def network_of(scope: Scope) -> str | None:
    """Return the network that a request comes from: a whole address would be a personal datum."""
    client = scope.get("client")
    if client is None:
        return None
    try:
        address = ip_address(client[0])
    except ValueError:
        return None
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))

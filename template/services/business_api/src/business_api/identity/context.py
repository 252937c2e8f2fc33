"""What the routes of logging in share; the feature puts it into the state of the application."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from business_api.identity.denials import Denials
from business_api.identity.gateway import AuditGateway, IdentityGateway
from business_api.identity.login import Logins
from business_api.identity.oauth import Authorization
from business_api.identity.sessions import Sessions
from business_api.identity.tokens import TokenIssuer


@dataclass(frozen=True, slots=True)
class Identity:
    """The parts of an issuer of tokens."""

    users: IdentityGateway
    audit: AuditGateway
    denials: Denials
    authorization: Authorization
    sessions: Sessions
    logins: Logins
    tokens: TokenIssuer


def identity_of(request: Request) -> Identity:
    """Return the parts that answer `request`."""
    return cast(Identity, request.app.state.identity)

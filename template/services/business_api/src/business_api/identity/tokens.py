"""The tokens that this service issues: access tokens (RFC 9068) and ID tokens."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from business_api.identity.settings import IssuerSettings
from chassis.security.keys import ALGORITHM, private_key
from chassis.security.principal import Principal
from chassis.security.revocation import Revocations
from chassis.security.tokens import FixedKeys, InvalidToken, TokenVerifier
from chassis.settings import SettingsError

KIND = "at+jwt"
# What columns with a subject have room for.
MAX_SUBJECT = 64
# How tokens of other issuers show that they are for something else (RFC 8725, section 3.12).
OTHER_KINDS = frozenset({"ID", "Refresh", "Offline", "Logout"})
OTHER_CLAIMS = frozenset({"at_hash", "c_hash", "events"})


class TokenIssuer:
    """Signs with the first key; all of its keys are published, so that the first can be changed."""

    def __init__(self, settings: IssuerSettings) -> None:
        texts = settings.signing_keys.get_secret_value().split()
        if not texts:
            raise SettingsError('ISSUER_SIGNING_KEYS is empty: run "make env".')
        self.settings = settings
        self.keys: list[ECKey] = [private_key(text, "ISSUER_SIGNING_KEYS") for text in texts]

    @property
    def audience(self) -> str:
        """Whom access tokens are for: this API."""
        return self.settings.issuer

    def access_token(
        self,
        subject: str,
        roles: Sequence[str],
        client: str,
        session: str | None = None,
        until: float | None = None,
    ) -> tuple[str, int]:
        """Return a token and the seconds that it lives, at most to `until`."""
        now = int(time.time())
        expires = now + self.settings.access_token_seconds
        if until is not None:
            expires = min(expires, int(until))
        claims: dict[str, Any] = {
            "iss": self.settings.issuer,
            "aud": self.audience,
            "sub": subject,
            "client_id": client,
            "roles": list(roles),
            "iat": now,
            "nbf": now,
            "exp": expires,
            "jti": secrets.token_urlsafe(12),
        }
        if session is not None:
            claims["sid"] = session
        return self._sign(claims, KIND), expires - now

    def id_token(
        self, subject: str, client: str, session: str, nonce: str, logged_in: float
    ) -> str:
        """Return a token that tells the client, and nobody else, who has logged in."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.settings.issuer,
            "aud": client,
            "sub": subject,
            "sid": session,
            "auth_time": int(logged_in),
            "iat": now,
            "exp": now + self.settings.access_token_seconds,
        }
        if nonce:
            claims["nonce"] = nonce
        return self._sign(claims, "JWT")

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public keys (RFC 7517)."""
        return {"keys": [dict(key.as_dict(private=False)) for key in self.keys]}

    def _sign(self, claims: dict[str, Any], kind: str) -> str:
        key = self.keys[0]
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": kind}, claims, key)


class AccessTokens:
    """Accepts the access tokens of one issuer, unless what they come from has been ended."""

    def __init__(self, verifier: TokenVerifier, roles_claim: str, revocations: Revocations) -> None:
        self._verifier = verifier
        self._roles_claim = roles_claim.split(".")
        self._revocations = revocations

    async def authenticate(self, token: str) -> Principal:
        """Return whom the token names; raise `InvalidToken`, or `Unavailable`."""
        claims = await self._verifier.verify(token)
        if len(claims["sub"]) > MAX_SUBJECT:
            raise InvalidToken(f"The subject is longer than {MAX_SUBJECT} characters.")
        if claims.get("typ") in OTHER_KINDS or not OTHER_CLAIMS.isdisjoint(claims):
            raise InvalidToken("This is no access token.")
        session = claims.get("sid")
        client = claims.get("client_id", claims.get("azp"))
        if self._revocations.refuses(session, client):
            raise InvalidToken("The session of this token has been ended.")
        roles: Any = claims
        for part in self._roles_claim:
            roles = roles.get(part, {}) if isinstance(roles, dict) else {}
        held = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
        return Principal(claims["sub"], frozenset(held), client, session)


def own_tokens(issuer: TokenIssuer) -> TokenVerifier:
    """Return the verifier of what `issuer` signs."""
    return TokenVerifier(issuer.settings.issuer, issuer.audience, FixedKeys(issuer.keys), kind=KIND)

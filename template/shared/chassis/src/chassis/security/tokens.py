"""Verifies JSON Web Tokens (RFC 7519, RFC 8725): signature, issuer, audience and times."""

import binascii
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jwt import ClaimsOption
from joserfc.util import urlsafe_b64decode

# Asymmetric ones alone: whoever can verify must not be able to sign.
ALGORITHMS = ["ES256", "ES384", "RS256", "PS256", "EdDSA"]
CLOCK_SKEW_SECONDS = 30
MAX_TOKEN_BYTES = 8_000
MAX_REMEMBERED = 10_000


class InvalidToken(Exception):
    """The token proves nothing; the message says why, without repeating what is in it."""


class Keys(Protocol):
    """Where the public keys of an issuer come from."""

    async def find(self, kid: str | None) -> Key | None:
        """Return the key of that id; raise `chassis.errors.Unavailable` when nobody knows now."""
        ...


class FixedKeys:
    """Keys that were there when the process started."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.kid: key for key in keys}

    async def find(self, kid: str | None) -> Key | None:
        return self._keys.get(kid)


class TokenVerifier:
    """Accepts tokens of one issuer for one audience, and remembers those that it has accepted.

    To verify a signature costs more than everything else about a small request; a token is the same
    for minutes.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: Keys,
        *,
        essential: Sequence[str] = ("exp", "nbf", "sub"),
        kind: str | None = None,
    ) -> None:
        self._keys = keys
        self._kind = kind
        options: dict[str, ClaimsOption] = {name: {"essential": True} for name in essential}
        options["iss"] = {"essential": True, "value": issuer}
        options["aud"] = {"essential": True, "value": audience}
        self._claims = jwt.JWTClaimsRegistry(None, CLOCK_SKEW_SECONDS, **options)
        self._remembered: dict[str, Mapping[str, Any]] = {}

    async def verify(self, token: str) -> Mapping[str, Any]:
        """Return the claims of `token`, or raise `InvalidToken`."""
        claims = self._remembered.get(token)
        if claims is None:
            claims = await self._verify(token)
            if len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[token] = claims
        elif claims["exp"] + CLOCK_SKEW_SECONDS < time.time():
            del self._remembered[token]
            raise InvalidToken("The token has expired.")
        return claims

    async def _verify(self, token: str) -> Mapping[str, Any]:
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidToken("The token is too long.")
        header = read_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise InvalidToken("The token is not signed with an algorithm that is accepted.")
        if self._kind is not None and str(header.get("typ", "")).lower() != self._kind:
            raise InvalidToken(f"The token is no {self._kind}.")
        kid = header.get("kid")
        key = await self._keys.find(kid if isinstance(kid, str) else None)
        if key is None:
            raise InvalidToken("The token is signed with a key that nobody knows.")
        if key.alg is not None and key.alg != algorithm:
            raise InvalidToken("The token is signed with another algorithm than its key is for.")
        try:
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, binascii.Error) as error:
            raise InvalidToken(f"The token is not valid: {_reason(error)}.") from None
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise InvalidToken("The token names nobody.")
        return claims


def read_header(token: str) -> dict[str, Any]:
    """Return the header, of which nothing is proven yet; raise `InvalidToken` for no token."""
    try:
        header = json.loads(urlsafe_b64decode(token.split(".")[0].encode()))
    except (ValueError, binascii.Error, RecursionError):
        header = None
    if token.count(".") != 2 or not isinstance(header, dict):
        raise InvalidToken("This is no signed token.")
    return header


def _reason(error: Exception) -> str:
    """Say which claim is wrong; what the library says of others may repeat the token."""
    claim = getattr(error, "claim", None)
    return f"{claim} is missing or wrong" if claim else type(error).__name__

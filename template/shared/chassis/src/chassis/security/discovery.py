"""The public keys of an OpenID Connect issuer elsewhere, found by discovery and kept."""

import asyncio
import json
import logging
import math
import time
from typing import cast
from urllib.parse import urlsplit

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, KeySetSerialization
from pydantic import BaseModel, ValidationError

from chassis.errors import Unavailable

log = logging.getLogger(__name__)

FRESH_SECONDS = 3600
# A token with a key that nobody knows may be of a key that is new, or made up by an attacker.
ASK_AGAIN_SECONDS = 30
TIMEOUT_SECONDS = 5
MAX_BYTES = 200_000


class Provider(BaseModel):
    """What discovery tells of an issuer (OpenID Connect Discovery 1.0)."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None


class DiscoveredKeys:
    """The keys of `issuer`; they are read again every hour, and when one turns up that is new.

    Keys that were read once stay in use while the issuer does not answer.
    """

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys: dict[str | None, Key] = {}
        self._read_at = -math.inf
        self._tried_at = -float(ASK_AGAIN_SECONDS)
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> Key | None:
        """Return the key, None when the issuer has none of that id."""
        if self._is_due(kid):
            async with self._lock:
                if self._is_due(kid):
                    await self._read()
        if self._read_at < 0:
            raise Unavailable("The keys of the issuer of tokens cannot be read.")
        return self._keys.get(kid)

    def _is_due(self, kid: str | None) -> bool:
        now = time.monotonic()
        wanted = kid not in self._keys or now - self._read_at > FRESH_SECONDS
        return wanted and now - self._tried_at > ASK_AGAIN_SECONDS

    async def _read(self) -> None:
        self._tried_at = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            async with aiohttp.ClientSession(timeout=timeout) as session:
                provider = await discover(self._issuer, session)
                document = await _get(session, provider.jwks_uri)
                found = KeySet.import_key_set(cast(KeySetSerialization, document))
        except (aiohttp.ClientError, TimeoutError, JoseError, ValueError) as error:
            log.warning("the keys of %s cannot be read: %r", self._issuer, error)
            return
        # Symmetric keys have no place in a public document, and encryption keys sign nothing.
        self._keys = {
            key.kid: key
            for key in found
            if key.key_type != "oct" and key.get("use", "sig") == "sig"
        }
        self._read_at = self._tried_at
        log.info("read %d keys of %s", len(self._keys), self._issuer)


async def discover(issuer: str, session: aiohttp.ClientSession) -> Provider:
    """Read the issuer's configuration; raise `ValueError` when it is not that issuer's."""
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    try:
        provider = Provider.model_validate(await _get(session, url))
    except ValidationError as error:
        raise ValueError(f"{url} is no configuration of an issuer: {error}") from None
    if provider.issuer != issuer:
        raise ValueError(f"{url} is the configuration of {provider.issuer}")
    # Nothing that the document says leads from an encrypted connection to a plain one.
    if urlsplit(issuer).scheme == "https" and urlsplit(provider.jwks_uri).scheme != "https":
        raise ValueError(f"the keys at {provider.jwks_uri} are not protected by TLS")
    return provider


async def _get(session: aiohttp.ClientSession, url: str) -> dict[str, object]:
    async with session.get(url, allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"{url} answered with status {response.status}")
        content = bytearray()
        # One read returns what has arrived, which may be the first of several segments.
        async for part in response.content.iter_any():
            content += part
            if len(content) > MAX_BYTES:
                raise ValueError(f"{url} is too large")
    answer = json.loads(content)
    if not isinstance(answer, dict):
        raise ValueError(f"{url} is no JSON object")
    return answer

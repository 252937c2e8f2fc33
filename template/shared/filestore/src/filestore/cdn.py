"""Signed links for CloudFront and Cloudflare.

The bucket stays private. Expiry is rounded, so links that are issued within a few minutes are
identical and can be cached.
"""

import hmac
import json
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal, Self
from urllib.parse import quote, urlencode, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pydantic import AnyHttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings

from contracts.files import StoredFile
from filestore.links import Content, Link, Links
from filestore.settings import MODEL

ROUND_SECONDS = 300

SigningKey = RSAPrivateKey | EllipticCurvePrivateKey


class CdnSettings(BaseSettings):
    """The CDN in front of the bucket, and the key for its links.

    `cdn_key` is for CloudFront a private key, RSA or P-256, as DER in base64; for Cloudflare the
    secret of the rule that verifies.
    """

    model_config = MODEL

    cdn: Literal["none", "cloudfront", "cloudflare"] = "none"
    cdn_url: AnyHttpUrl | None = None
    cdn_key_id: str = ""
    cdn_key: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.cdn != "none" and not (self.cdn_url and self.cdn_key.get_secret_value()):
            raise ValueError("FILES_CDN needs FILES_CDN_URL and FILES_CDN_KEY")
        if self.cdn == "cloudfront":
            if not self.cdn_key_id:
                raise ValueError("FILES_CDN=cloudfront needs FILES_CDN_KEY_ID")
            self.signing_key()
        return self

    def signing_key(self) -> SigningKey:
        """Return the private key for CloudFront; raise `ValueError` if it is none."""
        try:
            der = b64decode(self.cdn_key.get_secret_value(), validate=True)
            key = load_der_private_key(der, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("FILES_CDN_KEY is no private key: DER in base64") from None
        if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
            return key
        raise ValueError("FILES_CDN_KEY has to be an RSA or P-256 key")


class CdnLinks:
    """Downloads by the CDN, uploads as before."""

    def __init__(self, settings: CdnSettings, seconds: int, links: Links) -> None:
        self._settings = settings
        self._base = str(settings.cdn_url).rstrip("/")
        self._seconds = seconds
        self._links = links
        self._key = settings.signing_key() if settings.cdn == "cloudfront" else None

    def upload(self, file: StoredFile) -> Link:
        return self._links.upload(file)

    def is_direct(self, file: StoredFile) -> bool:
        return self._links.is_direct(file)

    def download(self, content: Content) -> Link:
        url = f"{self._base}/{quote(content.key, safe='/-_.~')}"
        # Rounded, but valid for at least the configured time.
        now = int(time.time())
        begun = now - now % ROUND_SECONDS
        expires = begun + self._seconds + ROUND_SECONDS
        if self._key is not None:
            signed = cloudfront_url(url, expires, self._settings.cdn_key_id, self._key)
        else:
            signed = cloudflare_url(url, begun, self._settings.cdn_key.get_secret_value())
        return Link("GET", signed, datetime.fromtimestamp(expires, UTC))


def cloudfront_url(url: str, expires: int, key_id: str, key: SigningKey) -> str:
    """Return `url` with a canned policy, signed with SHA-256.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
    """
    condition = {"DateLessThan": {"AWS:EpochTime": expires}}
    statement = {"Statement": [{"Resource": url, "Condition": condition}]}
    policy = json.dumps(statement, separators=(",", ":")).encode()
    if isinstance(key, RSAPrivateKey):
        signature = key.sign(policy, PKCS1v15(), SHA256())
    else:
        # Deterministic, so that identical policies produce identical, cacheable links.
        signature = key.sign(policy, ECDSA(SHA256(), deterministic_signing=True))
    # Base64 in the characters that CloudFront takes in a query string.
    text = b64encode(signature).decode().translate(str.maketrans("+=/", "-_~"))
    query = f"Expires={expires}&Signature={text}&Key-Pair-Id={key_id}&Hash-Algorithm=SHA256"
    return f"{url}?{query}"


def cloudflare_url(url: str, issued: int, secret: str) -> str:
    """Return `url` with a token that `is_timed_hmac_valid_v0` accepts; the rule says how long.

    https://developers.cloudflare.com/waf/custom-rules/use-cases/configure-token-authentication/
    """
    message = f"{urlsplit(url).path}{issued}".encode()
    mac = b64encode(hmac.new(secret.encode(), message, sha256).digest()).decode()
    return f"{url}?{urlencode({'verify': f'{issued}-{mac}'})}"

"""Keys of elliptic curves as settings hold them: DER in base64, so that one fits in a line."""

import re

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from chassis.settings import SettingsError

ALGORITHM = "ES256"


def private_key(text: str, setting: str) -> ECKey:
    """Read a private key (PKCS #8, curve P-256); its `kid` is the thumbprint of RFC 7638."""
    return _key(text, "PRIVATE KEY", setting)


def public_key(text: str, setting: str) -> ECKey:
    """Read a public key (SubjectPublicKeyInfo, curve P-256)."""
    return _key(text, "PUBLIC KEY", setting)


def _key(text: str, kind: str, setting: str) -> ECKey:
    hint = f"{setting} holds no {kind.lower()} of the curve P-256"
    if not re.fullmatch(r"[A-Za-z0-9+/=]+", text):
        raise SettingsError(f"{hint}: it is no base64.")
    try:
        key = ECKey.import_key(
            f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n",
            {"use": "sig", "alg": ALGORITHM},
        )
    except (JoseError, ValueError) as error:
        raise SettingsError(f"{hint}: {error}") from None
    if key.curve_name != "P-256":
        raise SettingsError(f"{hint}, but one of {key.curve_name}.")
    key.ensure_kid()
    return key

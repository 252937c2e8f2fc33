"""Presigned URLs for S3: AWS Signature Version 4 in the query string.

The signatures of obstore cover only the host. These also cover the exact size, type and checksum of
an upload, and require that the object does not exist yet.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from filestore.settings import StoreSettings

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"


def presign_put(
    store: StoreSettings,
    key: str,
    seconds: int,
    size: int,
    content_type: str,
    checksum: str | None = None,
    more: Mapping[str, str] | None = None,
) -> tuple[str, dict[str, str]]:
    """Return the URL of one upload of exactly `size` bytes, and the headers to send with it.

    `checksum` is the SHA-256 of the content in hexadecimal; the store refuses other content.
    """
    headers = {"Content-Type": content_type, "If-None-Match": "*", **(more or {})}
    if checksum is not None:
        headers["x-amz-checksum-sha256"] = b64encode(bytes.fromhex(checksum)).decode()
    # Clients send Content-Length automatically; browsers do not let scripts set it.
    signed = {**headers, "Content-Length": str(size)}
    return presign(store, "PUT", key, seconds, signed), headers


def presign_get(
    store: StoreSettings, key: str, seconds: int, content_type: str, disposition: str
) -> str:
    """Return the URL of a download, which the store answers with these headers."""
    query = {
        "response-content-type": content_type,
        "response-content-disposition": disposition,
        "response-cache-control": "no-store",
    }
    return presign(store, "GET", key, seconds, query=query)


def presign(
    store: StoreSettings,
    method: str,
    key: str,
    seconds: int,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> str:
    """Return a URL for `method` on the object `key`, good for `seconds`."""
    url = f"{store.public_endpoint}/{store.s3_bucket}/{key}"
    return presign_url(store, method, url, seconds, headers, query)


def presign_inside(store: StoreSettings, method: str, key: str, seconds: int) -> str:
    """Return a URL as `presign` does, where services reach the store."""
    return presign_url(store, method, f"{store.endpoint}/{store.s3_bucket}/{key}", seconds)


def presign_url(
    store: StoreSettings,
    method: str,
    url: str,
    seconds: int,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> str:
    """Return `url` signed with the keys of `store`, good for `seconds` from `now`.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    at = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{at[:8]}/{store.s3_region}/s3/aws4_request"
    base = urlsplit(url)
    path = quote(base.path, safe="/-_.~")
    signed = {"host": base.netloc, **{name.lower(): v for name, v in (headers or {}).items()}}
    names = ";".join(sorted(signed))
    parameters = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{store.s3_access_key}/{scope}",
        "X-Amz-Date": at,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": names,
        **(query or {}),
    }
    canonical_query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(parameters.items())
    )
    canonical_headers = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = "\n".join([method, path, canonical_query, canonical_headers, names, UNSIGNED])
    to_sign = "\n".join([ALGORITHM, at, scope, sha256(request.encode()).hexdigest()])
    key_bytes = f"AWS4{store.s3_secret_key.get_secret_value()}".encode()
    for part in scope.split("/"):
        key_bytes = hmac.new(key_bytes, part.encode(), sha256).digest()
    signature = hmac.new(key_bytes, to_sign.encode(), sha256).hexdigest()
    return f"{base.scheme}://{base.netloc}{path}?{canonical_query}&X-Amz-Signature={signature}"

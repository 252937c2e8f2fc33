"""Links to file content. Each is valid for one method and path until it expires."""

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol
from urllib.parse import urlencode

from chassis.errors import Forbidden
from chassis.modules import find_hooks
from chassis.settings import SettingsError, read_settings
from contracts.files import StoredFile
from filestore.headers import content_disposition
from filestore.settings import LinkSettings, StoreSettings
from filestore.sigv4 import presign_get, presign_put

CONTENT = "/api/v1/content"


@dataclass(frozen=True, slots=True)
class Link:
    """A request that a client may send, with all of these headers.

    A `url` without a host is relative to the API.
    """

    method: str
    url: str
    expires_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """Downloadable content: its `path` at the files service and its `key` in the store."""

    path: str
    key: str
    filename: str
    content_type: str


def content_of(file: StoredFile) -> Content:
    """Return the content of a file that is ready."""
    kind = file.content_type or "application/octet-stream"
    return Content(f"{CONTENT}/{file.id}", file.key, file.filename, kind)


class Links(Protocol):
    """Issues links to file content."""

    def upload(self, file: StoredFile) -> Link:
        """Return the link by which a client sends the content of a file that is pending."""
        ...

    def is_direct(self, file: StoredFile) -> bool:
        """Return whether clients send the content of a file directly to the store."""
        ...

    def download(self, content: Content) -> Link:
        """Return the link by which a client reads content."""
        ...


class ServiceLinks:
    """Links to the files service, signed with a shared key (HMAC-SHA-256)."""

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings
        self._base = str(settings.public_url or "").rstrip("/")
        self._key = settings.link_key.get_secret_value().encode()

    def upload(self, file: StoredFile) -> Link:
        path, seconds = f"{CONTENT}/{file.id}", self._settings.upload_link_seconds
        return self.sign("PUT", path, seconds, {"Content-Type": file.declared_type})

    def is_direct(self, file: StoredFile) -> bool:
        return False

    def download(self, content: Content) -> Link:
        return self.sign("GET", content.path, self._settings.download_link_seconds)

    def sign(
        self, method: str, path: str, seconds: int, headers: Mapping[str, str] | None = None
    ) -> Link:
        """Return a link to `path` of the files service that is good for `seconds`."""
        expires = int(time.time()) + seconds
        query = urlencode({"expires": expires, "signature": self._signature(method, path, expires)})
        until = datetime.fromtimestamp(expires, UTC)
        return Link(method, f"{self._base}{path}?{query}", until, headers or {})

    def check(self, method: str, path: str, expires: int, signature: str) -> None:
        """Raise `Forbidden` unless a link to `path` has this signature, and has not expired."""
        method = "GET" if method == "HEAD" else method
        # As bytes, because constant-time comparison requires ASCII text or bytes.
        right = self._signature(method, path, expires).encode()
        if not hmac.compare_digest(right, signature.encode("utf-8", "replace")):
            raise Forbidden("The link is not valid. Ask for a new one.")
        if expires < time.time():
            raise Forbidden("The link has expired. Ask for a new one.")

    def _signature(self, method: str, path: str, expires: int) -> str:
        signed = f"{method}\n{path}\n{expires}".encode()
        return hmac.new(self._key, signed, sha256).hexdigest()


class StoreLinks:
    """Presigned URLs of a bucket (AWS Signature Version 4)."""

    def __init__(self, store: StoreSettings, settings: LinkSettings) -> None:
        self._store = store
        self._settings = settings
        self._service = ServiceLinks(settings)

    def upload(self, file: StoredFile) -> Link:
        seconds = self._settings.upload_link_seconds
        if file.size is None or not self.is_direct(file):
            return self._service.upload(file)
        url, headers = presign_put(
            self._store,
            file.key,
            seconds,
            file.size,
            file.declared_type,
            file.sha256,
            {
                "Content-Disposition": content_disposition(file.filename, file.declared_type),
                **put_headers(),
            },
        )
        return Link("PUT", url, _in(seconds), headers)

    def is_direct(self, file: StoredFile) -> bool:
        # A presigned upload requires a known size.
        return file.size is not None

    def download(self, content: Content) -> Link:
        seconds = self._settings.download_link_seconds
        disposition = content_disposition(content.filename, content.content_type)
        url = presign_get(self._store, content.key, seconds, content.content_type, disposition)
        return Link("GET", url, _in(seconds))


def make_links() -> Links:
    """Return the configured issuer of links, wrapped by the modules in `link_hooks`."""
    settings = read_settings(LinkSettings)
    links: Links = ServiceLinks(settings)
    if settings.transfer == "store":
        store = read_settings(StoreSettings)
        if store.store != "s3":
            raise SettingsError("FILES_TRANSFER=store needs a bucket: FILES_STORE=s3")
        links = StoreLinks(store, settings)
    for change in find_hooks("filestore", "link_hooks", "change_links"):
        links = change(links)
    return links


def put_headers() -> dict[str, str]:
    """Return the headers of uploads to a bucket from the modules in `put_headers`."""
    headers: dict[str, str] = {}
    for hook in find_hooks("filestore", "put_headers", "put_headers"):
        headers |= hook()
    return headers


def _in(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(time.time()) + seconds, UTC)

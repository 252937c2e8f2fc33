"""Links to a CDN, before an edge that verifies them as the real ones do, and caches."""

import hmac
import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import AnyHttpUrl, SecretStr

from filestore.cdn import ROUND_SECONDS, CdnLinks, CdnSettings, cloudflare_url
from filestore.link_hooks.cdn import change_links
from filestore.links import Content, Link, ServiceLinks
from filestore.settings import LinkSettings

CONTENT = Content("/api/v1/content/7", "document/7.ab", "a.pdf", "application/pdf")
RULE = "the secret of the rule"
MAC = "XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U%3D"
SECONDS = 300
KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
}
links = ServiceLinks(LinkSettings(link_key=SecretStr("k" * 32)))


class Edge:
    """Lets through what is signed, and asks its origin once for each path."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.asked: list[str] = []
        self.cached: set[str] = set()
        self.now = time.time()
        edge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if edge.allows(self.path) else 403)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def allows(self, path: str) -> bool:
        is_signed = self._cloudflare(path) if self.kind == "cloudflare" else self._cloudfront(path)
        # As a whole: a signature of its own for each reader would make each ask the origin.
        if is_signed and path not in self.cached:
            self.cached.add(path)
            self.asked.append(path.partition("?")[0])
        return is_signed

    def _cloudfront(self, path: str) -> bool:
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if not {"Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"} <= query.keys():
            return False
        resource, expires = f"{self.url}{path.partition('?')[0]}", int(query["Expires"])
        time_limit = {"DateLessThan": {"AWS:EpochTime": expires}}
        policy = {"Statement": [{"Resource": resource, "Condition": time_limit}]}
        signed = json.dumps(policy, separators=(",", ":")).encode()
        text = query["Signature"].translate(str.maketrans("-_~", "+=/"))
        public = KEYS[self.kind].public_key()
        how = (PKCS1v15(), SHA256()) if self.kind == "rsa" else (ec.ECDSA(SHA256()),)
        try:
            public.verify(b64decode(text), signed, *how)
        except (InvalidSignature, ValueError):
            return False
        has_names = (query["Key-Pair-Id"], query["Hash-Algorithm"]) == ("K2", "SHA256")
        return has_names and self.now < expires

    def _cloudflare(self, path: str) -> bool:
        # is_timed_hmac_valid_v0(RULE, http.request.uri, SECONDS + 300, now, 8)
        message, found, token = path.partition("?verify=")
        issued, _, mac = token.partition("-")
        right = hmac.new(RULE.encode(), f"{message}{issued}".encode(), sha256).digest()
        is_right = hmac.compare_digest(unquote(mac), b64encode(right).decode())
        return bool(found) and is_right and self.now < int(issued) + SECONDS + ROUND_SECONDS


@pytest.fixture(params=["rsa", "ec", "cloudflare"])
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    served = Edge(request.param)
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def settings(edge: Edge) -> CdnSettings:
    if edge.kind == "cloudflare":
        return CdnSettings(cdn="cloudflare", cdn_url=AnyHttpUrl(edge.url), cdn_key=SecretStr(RULE))
    der = KEYS[edge.kind].private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return CdnSettings(
        cdn="cloudfront",
        cdn_url=AnyHttpUrl(edge.url),
        cdn_key_id="K2",
        cdn_key=SecretStr(b64encode(der).decode()),
    )


def made(edge: Edge) -> Link:
    return CdnLinks(settings(edge), SECONDS, links).download(CONTENT)


def status(url: str) -> int:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    return connection.getresponse().status


def test_the_second_reader_spares_the_origin(edge: Edge) -> None:
    assert [status(made(edge).url) for _ in range(2)] == [200, 200]
    assert edge.asked == ["/document/7.ab"]


def test_another_path_is_refused(edge: Edge) -> None:
    assert status(made(edge).url.replace("7.ab", "8.ab")) == 403
    assert edge.asked == []


def test_without_a_signature_nothing_is_given(edge: Edge) -> None:
    assert status(made(edge).url.partition("?")[0]) == 403
    name = "verify=" if edge.kind == "cloudflare" else "Signature="
    assert status(made(edge).url.replace(name, f"{name}1")) == 403


def test_a_link_expires_when_it_says(edge: Edge) -> None:
    link = made(edge)
    edge.now = link.expires_at.timestamp() - 1
    assert status(link.url) == 200
    edge.now = link.expires_at.timestamp() + 1
    assert status(link.url) == 403


def test_links_of_the_same_minutes_are_the_same(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = (int(time.time()) // ROUND_SECONDS) * ROUND_SECONDS
    urls, expiries = [], []
    for moment in (start, start + ROUND_SECONDS - 1, start + ROUND_SECONDS):
        monkeypatch.setattr("filestore.cdn.time.time", lambda at=moment: at)
        urls.append(made(edge).url)
        expiries.append(made(edge).expires_at.timestamp())
        assert expiries[-1] >= moment + SECONDS
    assert urls[0] == urls[1] != urls[2]
    assert expiries[0] == expiries[1] < expiries[2]


def test_a_token_is_of_the_published_shape() -> None:
    """The address, the moment, and a MAC of both that openssl has computed."""
    url = cloudflare_url("https://example.com/images/cat.jpg", 1484063787, "mysecrettoken")
    assert url == f"https://example.com/images/cat.jpg?verify=1484063787-{MAC}"


def test_without_a_cdn_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILES_LINK_KEY", "k" * 32)
    assert change_links(links) is links
    monkeypatch.setenv("FILES_CDN", "cloudflare")
    monkeypatch.setenv("FILES_CDN_URL", "https://cdn.example")
    monkeypatch.setenv("FILES_CDN_KEY", RULE)
    assert isinstance(change_links(links), CdnLinks)


@pytest.mark.parametrize(
    "given",
    [
        {"cdn": "cloudflare"},
        {"cdn": "cloudfront", "cdn_url": "https://cdn.example", "cdn_key": "AAAA"},
        {"cdn": "cloudfront", "cdn_url": "https://cdn.example", "cdn_key": "x", "cdn_key_id": "K2"},
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="FILES_CDN"):
        CdnSettings.model_validate(given)

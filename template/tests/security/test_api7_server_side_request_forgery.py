"""API7: nothing that a caller sends makes the services ask an address of the caller's choice."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import pytest
from fastapi.testclient import TestClient

from chassis.errors import Unavailable
from chassis.security.discovery import DiscoveredKeys, discover
from tests.security.support import REDIRECT, Person, bearer


@contextmanager
def issuer(answers: Callable[[str], dict[str, object]]) -> Iterator[tuple[str, list[str]]]:
    """Serve the configuration of an issuer; yield its address and the paths that were asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/jwks":
                self.send_response(302)
                self.send_header("Location", f"{url}/internal")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers(url)).encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_redirect_of_an_issuer_is_not_followed() -> None:
    configuration = issuer(lambda url: {"issuer": url, "jwks_uri": f"{url}/jwks"})
    with configuration as (url, asked), pytest.raises(Unavailable):
        asyncio.run(DiscoveredKeys(url).find("k"))
    assert asked == ["/.well-known/openid-configuration", "/jwks"]


def test_the_configuration_of_another_issuer_is_refused() -> None:
    async def ask(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            await discover(url, session)

    with (
        issuer(lambda url: {"issuer": "https://evil.example", "jwks_uri": f"{url}/jwks"}) as (
            url,
            _,
        ),
        pytest.raises(ValueError, match="is the configuration of https://evil"),
    ):
        asyncio.run(ask(url))


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback",
        "https://",
        "https://user@evil.example@app.example/#x",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "/\\evil.example",
        "https://app.example/\r\nSet-Cookie: x=y",
        "file:///etc/passwd",
    ],
)
def test_a_client_is_answered_only_where_it_is_safe(api: TestClient, uri: str) -> None:
    body = {"name": "x", "redirect_uris": [uri], "confidential": False}
    answer = api.post("/api/v1/clients", json=body, headers=bearer("root", "administrator"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "uri", ["https://evil.example/", f"{REDIRECT}/../x", f"{REDIRECT}?x=1", f"{REDIRECT}.evil", ""]
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(api: TestClient, uri: str) -> None:
    answer = api.get(Person(api, "ada").address(redirect_uri=uri), follow_redirects=False)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert uri not in answer.text or uri == ""

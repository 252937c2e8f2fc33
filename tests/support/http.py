"""A small HTTP client for tests: JSON in, status and JSON out, never an exception for a status."""

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def call(
    method: str,
    url: str,
    body: object = None,
    *,
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send `body` as JSON, or `raw` as it is, as a customer; `context` says whom TLS trusts."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "X-Subject": "customer-1"} | (headers or {})
    try:
        request = Request(url, data, sent, method=method)
        with urlopen(request, timeout=30, context=context) as answer:
            return Answer(answer.status, dict(answer.headers.items()), answer.read().decode())
    except HTTPError as error:
        return Answer(error.code, dict(error.headers.items()), error.read().decode())


def eventually(check: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `check` is true; a connection that is refused is not true yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except (URLError, ConnectionError):
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} seconds")
        time.sleep(0.3)

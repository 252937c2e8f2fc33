"""A production system as its users reach it: through the gateway, at any level that has one."""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.docker import Stack
from tests.support.http import Answer, call

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
ORDER = {"lines": [LINE]}
# Origins whose pages may call the API.
ALLOWED = ("https://shop.example", "https://admin.example")
BURST = 40
STRICT = {
    "RATE_LIMIT": 20,
    "RATE_BURST": BURST,
    "WRITE_RATE_LIMIT": 5,
    "WRITE_RATE_BURST": 10,
}


@dataclass(frozen=True)
class Edge:
    """The gateway of a running system; `headers` identify the caller."""

    stack: Stack
    http_port: int
    https_port: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def certificate(self) -> Path:
        return self.stack.project.path / "certs/fullchain.pem"

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def orders(self) -> str:
        return f"{self.url}/api/v1/orders"

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request over TLS as the caller."""
        sent = {**self.headers, **(headers or {})}
        return call(method, self.url + path, body, headers=sent, context=self.context)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are over TLS and return all that comes back."""
        with (
            socket.create_connection(("127.0.0.1", self.https_port), timeout=20) as plain,
            self.context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(request)
            answer = b""
            try:
                while part := client.recv(65536):
                    answer += part
            except (TimeoutError, ssl.SSLError, ConnectionError):
                pass
            return answer

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return what Docker knows about the containers of a service."""
        return [container.attrs for container in self.stack.containers(service)]

    def logged(self, service: str, request_id: str) -> list[dict[str, Any]]:
        """Return the lines of a service's log with this request id."""
        found = [json.loads(line) for line in self.stack.lines(service) if request_id in line]
        return [line for line in found if line.get("request_id") == request_id]

    @contextmanager
    def strict_limits(self) -> Iterator[None]:
        """Give the gateway limits that a test can reach, for as long as the block lasts."""
        project, up = self.stack.project, ("up", "--detach", "--wait", "--no-deps", "gateway")
        kept = project.read(".env")
        project.append(".env", "".join(f"{key}={value}\n" for key, value in STRICT.items()))
        self.stack.production(*up)
        try:
            yield
        finally:
            project.write(".env", kept)
            self.stack.production(*up)

"""The health check of the containers tells a service that is well from one that is not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from extensions.stages import TEMPLATE
from tests.support.ports import free_port

PROBE = TEMPLATE / "shared/chassis/src/chassis/probe.py"


@contextmanager
def service(status: int) -> Iterator[int]:
    """A service whose /health answers with `status`, and anything else that it is well."""

    class Health(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def probe(port: int) -> int:
    return subprocess.run([sys.executable, PROBE, str(port)], capture_output=True).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_a_service_is_well_when_it_says_so(status: int, code: int) -> None:
    with service(status) as port:
        assert probe(port) == code


def test_where_nobody_answers_nobody_is_well() -> None:
    assert probe(free_port()) == 1

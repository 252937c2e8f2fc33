"""A server that answers as Elasticsearch and Kibana do when they are set up, and remembers all."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# In place of a status: the connection ends without an answer.
BROKEN_OFF = 0
# How the containers of Elasticsearch and its company are when all is well.
WELL = {
    "elasticsearch": "healthy",
    "elk_setup": "exited 0",
    "filebeat": "running 0",
    "kibana": "healthy",
    "kibana_setup": "exited 0",
    "logstash": "healthy",
}


@dataclass(frozen=True)
class Request:
    """What was sent."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass
class Elastic:
    """Both servers at one address, with the password of the user elastic."""

    password: str
    requests: list[Request] = field(default_factory=list)
    # For a path: what to answer in place of 200, and how often; beyond any count means always.
    failures: dict[str, tuple[int, bytes, int]] = field(default_factory=dict)
    url: str = ""

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests that were taken."""
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Status and body for a request, which is remembered if it is taken."""
        user = f"elastic:{self.password}".encode()
        if request.headers["Authorization"] != "Basic " + base64.b64encode(user).decode():
            return 401, b'{"error": "unable to authenticate user [elastic]"}'
        if request.path in self.failures:
            status, body, left = self.failures[request.path]
            if left > 1:
                self.failures[request.path] = status, body, left - 1
            else:
                del self.failures[request.path]
            return status, body
        if request.path.startswith("/api/"):
            if request.method != "GET" and not request.headers["kbn-xsrf"]:
                return 400, b'{"message": "Request must contain a kbn-xsrf header."}'
        elif request.method == "PUT":
            if request.headers["Content-Type"] != "application/json":
                return 406, b'{"error": "Content-Type header is not supported"}'
            try:
                json.loads(request.body)
            except ValueError as error:
                return 400, json.dumps({"error": str(error)}).encode()
        self.requests.append(request)
        return 200, b'{"success":true,"successCount":6}'


@contextmanager
def elastic(password: str) -> Iterator[Elastic]:
    """Listen on a free port of this machine."""
    server = Elastic(password)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, answer = server.answer(Request(self.command, self.path, self.headers, body))
            if status == BROKEN_OFF:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listening.server_port}"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()

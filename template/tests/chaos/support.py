"""Real processes that can be killed, and a network that can be made bad."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

BUFFER = 65_536
# How many calls of the data service may be under way.
PLACES = 10


def eventually(check: Callable[[], bool], seconds: float = 20) -> float:
    """Wait until `check` is true, and return how long it took."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        with suppress(httpx2.HTTPError):
            if check():
                return time.monotonic() - start
        time.sleep(0.1)
    raise AssertionError(f"not true within {seconds} seconds")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def half_of_body(data: bytes) -> bytes:
    """Return a piece of an HTTP answer up to the middle of the body, nothing if that is to come."""
    head, end, body = data.rpartition(b"\r\n\r\n")
    return head + end + body[: len(body) // 2] if body else b""


class Collector:
    """Takes traces as Jaeger does, and counts how often some came."""

    def __init__(self) -> None:
        self.received = 0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                collector.received += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Network:
    """A TCP proxy to `target`: it can freeze, be slow, break off, lose answers or cut them."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.carried = 0  # pieces of requests
        self.delay = 0.0
        self.answers_to_lose = 0
        self.answers_to_cut = 0
        self._refuses = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Let nothing through, and break nothing: the worst of all failures."""
        self._flowing.clear()

    def refuse(self) -> None:
        """Break what is open, and end every new connection at once."""
        self._refuses = True
        self.cut()

    def heal(self) -> None:
        """Be a good network again."""
        self._refuses = False
        self.delay = 0.0
        self.answers_to_lose = 0
        self.answers_to_cut = 0
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection there is."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and end what is open."""
        self._listener.close()
        self.heal()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._open |= {client, server}
            for source, sink, is_answer in ((client, server, False), (server, client, True)):
                pump = threading.Thread(target=self._pump, args=(source, sink, is_answer))
                pump.daemon = True
                pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(BUFFER):
                self._flowing.wait()
                time.sleep(self.delay)
                if is_answer and self.answers_to_lose:
                    self.answers_to_lose -= 1
                    break
                if is_answer and self.answers_to_cut and (begun := half_of_body(data)):
                    self.answers_to_cut -= 1
                    sink.sendall(begun)
                    break
                sink.sendall(data)
                self.carried += not is_answer
        for connection in (source, sink):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._open.discard(connection)


class Service:
    """A service as a process of its own, as its image runs it, with the notes of the tests."""

    def __init__(self, app: str, environment: dict[str, str]) -> None:
        self._app = app
        self._environment = os.environ | environment
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "uvicorn", self._app]
        options = ["--port", str(self.port), "--timeout-graceful-shutdown", "6"]
        self._process = subprocess.Popen([*command, *options], env=self._environment)
        eventually(lambda: httpx2.get(f"{self.url}/health").is_success, 60)

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> float:
        """Ask it to end, as Docker does, and return how long it took."""
        start = time.monotonic()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
        return time.monotonic() - start

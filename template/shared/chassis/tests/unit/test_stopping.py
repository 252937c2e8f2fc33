"""A replica that is to stop, and the seconds in which it still answers."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

APP = """
from chassis.app import create_app
from chassis.health import health_endpoints
from chassis.stopping import late_stop

app = create_app(title="t", routers=[], features=[health_endpoints({}), late_stop])
"""


@contextmanager
def served(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "slow_to_go.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "slow_to_go:app", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as server:
        try:
            yield server
        finally:
            server.kill()


def answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.mark.parametrize("seconds", ["0", "2"])
def test_a_replica_that_is_to_stop_answers_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("DRAIN_SECONDS", seconds)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with served(tmp_path, port) as server:
        deadline = time.monotonic() + 30
        while not answers(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert answers(port)
        began = time.monotonic()
        server.terminate()
        if seconds == "2":
            time.sleep(0.5)
            assert answers(port)
        server.wait(timeout=30)
        assert time.monotonic() - began >= float(seconds)
        assert not answers(port)

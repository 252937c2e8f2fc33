"""What a service says about itself: logs, request ids, health, errors."""

import asyncio
import gzip
import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
import sentry_sdk
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from structlog.stdlib import ProcessorFormatter

from chassis.app import create_app
from chassis.error_tracking import error_tracking
from chassis.health import health_endpoints
from chassis.openapi import openapi_metadata
from chassis.request_id import request_id, request_id_headers
from chassis.settings import SettingsError
from chassis.structured_logging import JsonLines, LogSettings, configure, structured_logging
from chassis.testing import service_client

router = APIRouter()
working = True


@router.get("/headers")
async def headers() -> dict[str, str]:
    extra = {"colour": "green", "event": "mine", "level": "mine", "service": "mine"}
    logging.getLogger("team").info("asked for %s", "headers", extra=extra)
    return request_id_headers()


@router.get("/bug")
async def bug() -> None:
    raise ZeroDivisionError("boom")


async def check(_: FastAPI) -> None:
    if not working:
        raise ConnectionError("postgres://user:secret@host refused")


@contextmanager
def running() -> Iterator[TestClient]:
    """A service that logs to what is the standard output now, which a fixture would not see."""
    app = create_app(
        title="Test",
        routers=[router],
        features=[
            structured_logging("test"),
            health_endpoints({"postgres": check}),
            openapi_metadata("chassis"),
            request_id,
        ],
    )
    with service_client(app) as client:
        yield client


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_log_line_has_one_shape(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as client:
        client.get("/headers", headers={"X-Request-ID": "abc-1"})
    logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\x1b[36m"})
    logging.getLogger("sqlalchemy.engine").warning("slow")
    logging.getLogger("py.warnings").warning("old")
    lines = logged(capsys)
    assert {line["logger"] for line in lines} >= {
        "team",
        "chassis.access",
        "uvicorn.error",
        "sqlalchemy.engine",
        "py.warnings",
    }
    for line in lines:
        assert {"event", "level", "logger", "service", "timestamp"} <= line.keys()
    team = next(line for line in lines if line["logger"] == "team")
    assert (team["event"], team["level"]) == ("asked for headers", "info")
    assert (team["colour"], team["request_id"], team["service"]) == ("green", "abc-1", "test")
    access = next(line for line in lines if line["logger"] == "chassis.access")
    assert (access["method"], access["path"], access["status"]) == ("GET", "/headers", 200)
    assert access["duration_ms"] > 0


def test_a_plain_record_has_the_fields_that_structlog_would_give_it() -> None:
    configure("test", LogSettings())
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    (formatter,) = [each for each in formatters if isinstance(each, JsonLines)]
    record = logging.getLogger("team").makeRecord(
        *("team", logging.WARNING, __file__, 1, "asked %d times", (3,), None),
        extra={"colour": "green", "event": "mine", "half": "\ud83d", "size": 10**30},
    )
    plain = json.loads(formatter.format(record))
    whole = json.loads(ProcessorFormatter.format(formatter, record))
    assert plain.keys() == whole.keys()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", plain.pop("timestamp"))
    del whole["timestamp"]
    assert plain == whole


def test_a_failure_is_logged_once_with_its_trace_and_request_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with running() as client:
        answer = client.get("/bug", headers={"X-Request-ID": "abc-2"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == "abc-2"
    (line,) = [line for line in logged(capsys) if line["level"] == "error"]
    assert line["request_id"] == "abc-2"
    assert line["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_probes_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as client:
        client.get("/health")
    assert "chassis.access" not in [line["logger"] for line in logged(capsys)]


def test_people_can_have_lines_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure("test", LogSettings(format="console", level="DEBUG"))
    logging.getLogger("team").debug("hello")
    assert "hello" in capsys.readouterr().out


@pytest.fixture
def client() -> Iterator[TestClient]:
    with running() as client:
        yield client


def test_a_well_formed_request_id_is_kept_and_handed_on(client: TestClient) -> None:
    answer = client.get("/headers", headers={"X-Request-ID": "Note_7.retry-2"})
    assert answer.headers["X-Request-ID"] == "Note_7.retry-2"
    assert answer.json()["X-Request-ID"] == "Note_7.retry-2"


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "x\tSet-Cookie: y", "ä"])
def test_any_other_request_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/headers", headers={b"X-Request-ID": given.encode()})
    assert answer.headers["X-Request-ID"].isalnum()
    assert answer.headers["X-Request-ID"] != given


def test_it_is_ready_only_while_its_checks_pass(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/ready").json() == {"status": "ready", "checks": ["postgres"]}
    monkeypatch.setitem(globals(), "working", False)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["errors"] == [{"field": "postgres", "message": "does not work"}]
    assert "secret" not in answer.text
    assert client.get("/health").json() == {"status": "ok"}


async def never(_: FastAPI) -> None:
    # As a connection that hangs: to give it up takes as long once more.
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


def test_a_check_that_hangs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.health.CHECK_SECONDS", 0.05)
    app = create_app(title="Test", routers=[], features=[health_endpoints({"slow": never})])
    with service_client(app) as client:
        answer = client.get("/ready")
        assert answer.status_code == 503
        assert answer.json()["errors"] == [{"field": "slow", "message": "does not answer"}]


def test_openapi_says_who_and_what(client: TestClient) -> None:
    info = client.get("/openapi.json").json()["info"]
    assert info["description"].startswith("The microservice chassis")
    assert info["version"]


class SentryServer(BaseHTTPRequestHandler):
    """Takes what the SDK sends, as Sentry would."""

    events: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.events.extend(json.loads(line) for line in body.splitlines())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sentry() -> Iterator[None]:
    """Leave no client of the SDK behind."""
    yield
    sentry_sdk.get_global_scope().set_client(None)


@pytest.mark.usefixtures("sentry")
def test_an_error_reaches_sentry(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HTTPServer(("127.0.0.1", 0), SentryServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SENTRY_DSN", f"http://key@127.0.0.1:{server.server_port}/1")
    app = create_app(title="Test", routers=[router], features=[error_tracking("test"), request_id])
    with service_client(app) as client:
        client.get("/bug", headers={"X-Request-ID": "abc-3"})
    sentry_sdk.flush(5)
    server.shutdown()
    (event,) = [event for event in SentryServer.events if "exception" in event]
    assert event["exception"]["values"][0]["type"] == "ZeroDivisionError"
    assert event["tags"]["request_id"] == "abc-3"
    assert event["server_name"] == "test"


def test_without_a_dsn_sentry_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    create_app(title="Test", routers=[], features=[error_tracking("test")])
    assert not sentry_sdk.get_client().is_active()


def test_a_dsn_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", "not a dsn")
    with pytest.raises(SettingsError, match="SENTRY_DSN"):
        create_app(title="Test", routers=[], features=[error_tracking("test")])

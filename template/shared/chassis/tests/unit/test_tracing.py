"""What of a request may be in a trace, who decides whether it is recorded, and the ID alone."""

import os
import re
import socket
import subprocess
import sys

import pytest
from fastapi import APIRouter
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from pydantic import ValidationError

from chassis.app import create_app
from chassis.spans import Drawn, WithoutQueries
from chassis.telemetry import current_trace_id, trace_headers
from chassis.testing import service_client
from chassis.tracing import TracingSettings, tracing

router = APIRouter()


@router.get("/trace")
async def trace() -> dict[str, str | None]:
    message: dict[str, str] = {}
    inject(message)
    called = trace_headers().get("traceparent")
    return {"id": current_trace_id(), "called": called, "message": message.get("traceparent")}


@router.get("/health")
async def health() -> str | None:
    return current_trace_id()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("00-" + "a" * 32 + "-" + "b" * 16 + "-01", True),
        ("00-" + "0" * 32 + "-" + "b" * 16 + "-01", False),
        ("00-" + "a" * 32 + "-" + "0" * 16 + "-01", False),
        ("00-" + "A" * 32 + "-" + "b" * 16 + "-01", False),
        ("00-a-b-01", False),
        ("", False),
    ],
)
def test_without_a_collector_an_id_is_taken_or_made_and_handed_on(
    monkeypatch: pytest.MonkeyPatch, given: str, taken: bool
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    app = create_app(title="Test", routers=[router], features=[tracing("test")])
    with service_client(app) as client:
        first, second = (
            client.get("/trace", headers={"traceparent": given} if given else {}).json()
            for _ in range(2)
        )
        assert client.get("/health").json() is None
    assert re.fullmatch(r"[0-9a-f]{32}", first["id"])
    assert (first["id"] == "a" * 32) == taken
    assert (first["id"] == second["id"]) == taken
    # Not sampled: the next service decides for itself.
    assert re.fullmatch(f"00-{first['id']}-[0-9a-f]{{16}}-00", first["called"])
    assert first["message"] == first["called"]


@pytest.mark.parametrize("trace_id", [1, 2**128 - 1])
def test_an_id_that_a_stranger_chose_decides_nothing(trace_id: int) -> None:
    sampler = Drawn(0.1)
    decisions = [sampler.should_sample(None, trace_id, "request").decision for _ in range(2000)]
    assert 100 < decisions.count(Decision.RECORD_AND_SAMPLE) < 320


@pytest.mark.parametrize(("ratio", "recorded"), [(0, 0), (1, 100)])
def test_nothing_and_everything_are_exact(ratio: float, recorded: int) -> None:
    sampler = Drawn(ratio)
    decisions = [sampler.should_sample(None, 1, "request").decision for _ in range(100)]
    assert decisions.count(Decision.RECORD_AND_SAMPLE) == recorded


def test_no_query_is_in_a_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(WithoutQueries())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    for query in ("login=ada%40example.org", ""):
        attributes = {"url.path": "/logins"} | ({"url.query": query} if query else {})
        tracer.start_span("GET /logins", attributes=attributes).end()
    with_query, without = [span.attributes or {} for span in exporter.get_finished_spans()]
    assert with_query["url.query"] == "REDACTED"
    assert "url.query" not in without
    assert "ada" not in str(with_query)


@pytest.mark.parametrize("name", ["exporter_otlp_endpoint", "traces_sampler_arg"])
def test_a_setting_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TracingSettings.model_validate({name: "2"})


SHORT_LIVED = """
import atexit, logging, time
logging.basicConfig(level=logging.WARNING)
atexit.register(lambda: print(time.monotonic() - began))
from opentelemetry import trace
from chassis.spans import trace_as
trace_as("test")
for _ in range(3):
    trace.get_tracer("test").start_span("work").end()
began = time.monotonic()
"""


@pytest.mark.parametrize("hangs", [True, False])
def test_a_collector_that_is_away_does_not_keep_a_process(hangs: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not hangs:
            server.close()  # and refuses
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_TRACES_SAMPLER_ARG": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", SHORT_LIVED],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=True,
        )
    # Docker kills after ten seconds, and what is under way has its own time before.
    assert float(done.stdout) < 4
    assert "3 spans were dropped" in done.stderr

"""What of a request may be in a trace, and who decides whether it is recorded."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from pydantic import ValidationError

from chassis.tracing import Drawn, TracingSettings, WithoutQueries


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

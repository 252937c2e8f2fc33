"""Handling a message is a part of the trace that its headers name."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from messaging import traced as module
from messaging.reader import Delivery, Outcome

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(module, "tracer", provider.get_tracer("test"))
    return exporter


@pytest.mark.parametrize(("outcome", "is_ok"), [(Outcome.DONE, True), (Outcome.RETRIED, False)])
def test_a_message_is_part_of_its_trace(
    spans: InMemorySpanExporter, outcome: Outcome, is_ok: bool
) -> None:
    one = Delivery("notes", "note.written.v1", "message-7", None, {"traceparent": PARENT})
    with module.traced(one):
        one.outcome = outcome
    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert (span.name, span.kind) == ("note.written.v1 process", SpanKind.CONSUMER)
    assert (span.attributes or {})["messaging.destination.name"] == "notes"
    assert span.status.is_ok == is_ok

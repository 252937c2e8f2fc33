"""Publishing is a part of the trace that the headers of an event name."""

from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from data_postgres_api.outbox import traced as module
from messaging.publisher import Outgoing

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


async def test_an_event_is_published_within_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(module, "tracer", provider.get_tracer("test"))
    published: list[Outgoing] = []

    async def publish(message: Outgoing) -> None:
        published.append(message)

    headers = {"traceparent": PARENT, "X-Request-ID": "request-7"}
    await module.traced(publish)(Outgoing(uuid4(), "note.written.v1", "{}", headers=headers))
    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert (span.name, span.kind) == ("note.written.v1 publish", SpanKind.PRODUCER)
    # Whoever reads the message goes on from this span, not from the request.
    (message,) = published
    assert message.headers["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert message.headers["X-Request-ID"] == "request-7"

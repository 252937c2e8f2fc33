"""Handling a message is a part of the trace of the request in which its event happened."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, StatusCode

from messaging.reader import Delivery, Outcome

tracer = trace.get_tracer(__name__)


@contextmanager
def traced(delivery: Delivery) -> Iterator[None]:
    """Handle a message within that trace."""
    with tracer.start_as_current_span(
        f"{delivery.event} process",
        extract(delivery.headers),
        SpanKind.CONSUMER,
        {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": delivery.queue,
            "messaging.message.id": delivery.message_id or "",
        },
    ) as span:
        yield
        if delivery.outcome is not Outcome.DONE:
            span.set_status(StatusCode.ERROR, str(delivery.outcome))


PHASE = 2
around = traced

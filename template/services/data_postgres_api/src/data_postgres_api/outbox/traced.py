"""Publishing is a part of the trace of the request in which the event happened."""

from dataclasses import replace

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind

from messaging.publisher import Outgoing, Publish

tracer = trace.get_tracer(__name__)


def traced(publish: Publish) -> Publish:
    """Return what publishes within that trace, and hands it on to whoever reads the message."""

    async def publish_in_trace(message: Outgoing) -> None:
        with tracer.start_as_current_span(
            f"{message.routing_key} publish",
            extract(message.headers),
            SpanKind.PRODUCER,
            {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "send",
                "messaging.destination.name": message.routing_key,
                "messaging.message.id": str(message.id),
            },
        ):
            headers = dict(message.headers)
            inject(headers)
            await publish(replace(message, headers=headers))

    return publish_in_trace

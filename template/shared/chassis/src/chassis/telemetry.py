"""The trace of a request: its id, how the framework records it, and how it is propagated.

With a collector, OpenTelemetry does all of that. Without one, no spans are made and only the ID is
propagated, which costs a fraction of a span.
"""

import re
import secrets
from contextvars import ContextVar

from fastapi.telemetry import TelemetryConfig
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext
from starlette.types import ASGIApp, Receive, Scope, Send

TRACE_HEADER = "traceparent"
# Probes and scrapes would be most of all traces.
NOT_TRACED = frozenset({"/health", "/ready", "/metrics"})

# The framework's own spans of dependencies and serialization cost more than they tell, and metrics
# and logs have their own ways here.
TELEMETRY: TelemetryConfig = {
    "operation_spans": False,
    "metrics": False,
    "logs": False,
    "exclude": lambda scope: scope["path"] in NOT_TRACED,
}

_HEADER = TRACE_HEADER.encode()
# W3C Trace Context, version 00: an id of only zeros is not valid.
_PARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current_trace_id() -> str | None:
    """Return the id of the current trace, 32 hexadecimal digits, if there is one."""
    traceparent = _traceparent.get()
    if traceparent is not None:
        return traceparent[3:35]
    span = trace.get_current_span().get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None


def trace_headers() -> dict[str, str]:
    """Return the traceparent header, or nothing where OpenTelemetry adds its own."""
    traceparent = _traceparent.get()
    return {} if traceparent is None else {TRACE_HEADER: traceparent}


class TraceIdMiddleware:
    """Gives each request the trace ID of its caller, or a new one, and records no span."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and scope["path"] not in NOT_TRACED:
            given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
            caller = _PARENT.fullmatch(given)
            trace_id = caller[1].decode() if caller else secrets.token_hex(16)
            span_id = secrets.token_hex(8)
            # Never reset: each request has a context of its own, and its last log lines need it.
            _traceparent.set(f"00-{trace_id}-{span_id}-00")
            # For libraries that read the current span, such as the publisher of messages.
            span = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False)
            context.attach(trace.set_span_in_context(NonRecordingSpan(span)))
        else:
            _traceparent.set(None)
        await self._app(scope, receive, send)

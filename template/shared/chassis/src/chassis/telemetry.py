"""What of tracing everything else needs: how the framework traces, and the id of this trace."""

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

# Probes and scrapes would be most of all traces. The framework's own spans of dependencies and
# serialization cost more than they tell, and metrics and logs have their own ways here.
TELEMETRY: TelemetryConfig = {
    "operation_spans": False,
    "metrics": False,
    "logs": False,
    "exclude": lambda scope: scope["path"] in {"/health", "/ready", "/metrics"},
}


def current_trace_id() -> str | None:
    """Return the id of the current trace, 32 hexadecimal digits, if there is one."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None

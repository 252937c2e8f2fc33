"""Propagates the trace."""

from chassis.telemetry import trace_headers


def headers(_: str) -> dict[str, str]:
    """Return the header with the current trace, if OpenTelemetry does not add its own."""
    return trace_headers()

"""Metrics for Prometheus."""

from chassis.process_metrics import serve_metrics


def start(_: str) -> None:
    """Serve them."""
    serve_metrics()

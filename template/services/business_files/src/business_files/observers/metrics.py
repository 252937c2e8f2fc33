"""File metrics for Prometheus."""

from prometheus_client import Counter, Histogram

from business_files.events import FileEvent

EVENTS = Counter("files_events_total", "What happened to files.", ["action", "outcome"])
BYTES = Counter("files_bytes_total", "Bytes of content that passed.", ["action"])
SECONDS = Histogram(
    "files_seconds",
    "How long it took to receive, verify or serve a file.",
    ["action"],
    buckets=(0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800),
)
# Without an initial zero, a rate misses the first event.
for action, outcome in (
    ("received", "done"),
    ("received", "failed"),
    ("served", "failed"),
    ("verified", "ready"),
    ("verified", "rejected"),
    ("verified", "expired"),
    ("orphaned", "deleted"),
    ("orphaned", "missing"),
):
    EVENTS.labels(action, outcome)
    BYTES.labels(action)
    SECONDS.labels(action)


def observe(event: FileEvent) -> None:
    """Count an event."""
    EVENTS.labels(event.action, event.outcome).inc()
    BYTES.labels(event.action).inc(event.size or 0)
    if event.seconds:
        SECONDS.labels(event.action).observe(event.seconds)

"""What Prometheus reads about messages: how many, how they ended, and how long that took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge, Histogram

from messaging.reader import Delivery

SECONDS = Histogram(
    "messages_seconds",
    "How long an attempt took, by its outcome: done, retried, dead-lettered, broken off.",
    ["queue", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
AGE = Histogram(
    "messages_age_seconds",
    "How long ago its event was, when an attempt at a message began.",
    ["queue"],
    buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 21_600, 86_400),
)
IN_WORK = Gauge("messages_in_work", "Messages that are being worked on.", ["queue"])


@contextmanager
def measured(delivery: Delivery) -> Iterator[None]:
    """Measure an attempt."""
    begin = time.perf_counter()
    if delivery.sent_at is not None:
        AGE.labels(delivery.queue).observe(time.time() - delivery.sent_at.timestamp())
    with IN_WORK.labels(delivery.queue).track_inprogress():
        try:
            yield
        finally:
            outcome = delivery.outcome or "broken off"
            SECONDS.labels(delivery.queue, outcome).observe(time.perf_counter() - begin)


PHASE = 1
around = measured

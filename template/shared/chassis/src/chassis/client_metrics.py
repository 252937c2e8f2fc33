"""How long calls to other services take, and how they end."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Histogram

from chassis.errors import ServiceError
from chassis.metrics import BUCKETS

DURATION = Histogram(
    "service_client_duration_seconds",
    "How long calls to another service took; the outcome is its status, or what went wrong.",
    ["service", "method", "outcome"],
    buckets=BUCKETS,
)


class Call:
    """A call that is under way."""

    outcome = ""


@contextmanager
def measured_call(service: str, method: str) -> Iterator[Call]:
    """Observe the call that is made inside; its caller sets the outcome if there is an answer."""
    call = Call()
    start = perf_counter()
    try:
        yield call
    except ServiceError as error:
        call.outcome = call.outcome or type(error).__name__
        raise
    finally:
        DURATION.labels(service, method, call.outcome or "error").observe(perf_counter() - start)

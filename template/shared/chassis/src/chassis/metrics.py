"""What Prometheus reads at `/metrics`: how many requests, how long they took, how they ended."""

import os
from collections.abc import Callable
from time import perf_counter

from fastapi import FastAPI, Response
from fastapi.routing import iter_route_contexts
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.response_status import ResponseStatus
from chassis.structured_logging import QUIET_PATHS

# Around the thresholds of the alerts; in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Whatever a client invents counts as one: each value of a label is a series that is kept.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
PATH = "/metrics"

DURATION = Histogram(
    "http_request_duration_seconds",
    "How long requests took, by the template of their path.",
    ["method", "route", "status"],
    buckets=BUCKETS,
)
IN_FLIGHT = Gauge(
    "http_requests_in_flight", "Requests that are being handled.", multiprocess_mode="livesum"
)


class _MetricsMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._routes: dict[Callable[..., object], str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # To be read is no work of the service, and would show as a request that never ends.
        if scope["type"] != "http" or scope["path"] == PATH:
            await self._app(scope, receive, send)
            return
        status = ResponseStatus.of(send)
        start = perf_counter()
        IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, status)
        finally:
            IN_FLIGHT.dec()
            method = scope["method"] if scope["method"] in METHODS else OTHER
            duration = perf_counter() - start
            DURATION.labels(method, self._route(scope), status.value).observe(duration)

    def _route(self, scope: Scope) -> str:
        """Return the template of the path: the path itself has as many values as there are ids."""
        if self._routes is None:
            contexts = iter_route_contexts(scope["app"].routes)
            self._routes = {
                context.endpoint: context.path_format or OTHER
                for context in contexts
                if context.endpoint is not None
            }
        return self._routes.get(scope.get("endpoint"), OTHER)  # type: ignore[arg-type]


def _registry() -> CollectorRegistry:
    """Return the metrics of all processes of this container, or of the only one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def metrics(app: FastAPI) -> None:
    """Measure every request of `app`, and answer `/metrics`, which the gateway hides."""

    @app.get(PATH, include_in_schema=False)
    async def read_metrics() -> Response:
        return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)

    QUIET_PATHS.add(PATH)
    app.add_middleware(_MetricsMiddleware)

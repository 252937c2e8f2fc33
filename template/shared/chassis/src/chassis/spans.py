"""Sampling and export of spans with OpenTelemetry's SDK.

The HTTP services import this only with a collector (`chassis.tracing`): it takes a sixth of their
start. Processes without HTTP always do, because their spans carry the trace IDs.
"""

import atexit
import logging
import secrets
from collections.abc import Sequence
from functools import cache
from threading import Event, Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes
from yarl import URL

from chassis.settings import read_settings
from chassis.tracing import TracingSettings

log = logging.getLogger(__name__)

# How long the last spans may take when the process ends. Docker kills it after ten seconds, and the
# exporter would try a collector that is away for longer.
LAST_SECONDS = 2


class Drawn(Sampler):
    """Samples at the head and ignores the trace ID, so a client cannot force recording."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        is_drawn = secrets.randbits(32) < self._ratio * 2**32
        decision = Decision.RECORD_AND_SAMPLE if is_drawn else Decision.DROP
        return SamplingResult(decision, attributes, trace_state)

    def get_description(self) -> str:
        return f"Drawn({self._ratio})"


class WithoutQueries(SpanProcessor):
    """Redacts query strings in request spans: they may hold personal data."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")


class Ended(SpanProcessor):
    """Counts the sampled spans that ended."""

    def __init__(self) -> None:
        self.count = 0

    def on_end(self, span: ReadableSpan) -> None:
        self.count += span.context is not None and span.context.trace_flags.sampled


class Exported(SpanExporter):
    """Counts the spans that `exporter` has exported."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.count += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _export_the_last(provider: TracerProvider, ended: Ended, exported: Exported) -> None:
    """When the process ends, give the last spans `LAST_SECONDS`, and log how many were dropped."""
    begun, done = Event(), Event()

    def shut_down() -> None:
        begun.wait()
        provider.shutdown()
        done.set()

    # Started now, because a process that ends starts no thread.
    Thread(target=shut_down, daemon=True).start()

    def finish() -> None:
        begun.set()
        done.wait(LAST_SECONDS)
        if dropped := ended.count - exported.count:
            log.warning("%d spans were dropped: the collector did not take them", dropped)

    atexit.register(finish)


@cache
def trace_as(service: str, *libraries: BaseInstrumentor, public: bool = False) -> None:
    """Trace this process as `service`; a second call changes nothing.

    Without a collector no span is recorded, but spans have IDs and calls propagate them.
    """
    settings = read_settings(TracingSettings)
    sampler: Sampler = ALWAYS_OFF
    if settings.exporter_otlp_endpoint is not None:
        drawn = Drawn(settings.traces_sampler_arg)
        sampler = ParentBased(drawn)
        if public:
            sampler = ParentBased(
                drawn, remote_parent_sampled=drawn, remote_parent_not_sampled=drawn
            )
    resource = Resource.create({SERVICE_NAME: service})
    provider = TracerProvider(sampler, resource, shutdown_on_exit=False)
    if settings.exporter_otlp_endpoint is not None:
        endpoint = f"{str(settings.exporter_otlp_endpoint).rstrip('/')}/v1/traces"
        provider.add_span_processor(WithoutQueries())
        ended, exported = Ended(), Exported(OTLPSpanExporter(endpoint))
        provider.add_span_processor(ended)
        provider.add_span_processor(BatchSpanProcessor(exported))
        _export_the_last(provider, ended, exported)
    trace.set_tracer_provider(provider)
    for library in (RedisInstrumentor(), *libraries):
        library.instrument()
    AioHttpClientInstrumentor().instrument(url_filter=_without_query)


def _without_query(url: URL) -> str:
    """Return the URL without its query string, which may hold personal data."""
    return str(url.with_query(None))

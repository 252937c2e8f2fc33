"""One trace for a request, through every service, PostgreSQL, Redis and outgoing calls.

Spans go to `OTEL_EXPORTER_OTLP_ENDPOINT`, in the background: what collects them may be away or
slow, and no request waits for it. Without an endpoint nothing is recorded, no library is
instrumented and the SDK is not imported; IDs are still made, propagated and logged
(`chassis.telemetry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from pydantic import AnyHttpUrl, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.app import Feature
from chassis.settings import read_settings
from chassis.telemetry import TraceIdMiddleware

if TYPE_CHECKING:
    from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
        BaseInstrumentor,
    )


class TracingSettings(BaseSettings):
    """Where spans go, and which part of all traces; names as OpenTelemetry has them."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", env_ignore_empty=True)

    exporter_otlp_endpoint: AnyHttpUrl | None = None
    traces_sampler_arg: float = Field(default=0.1, ge=0, le=1)


def tracing(service: str, *libraries: BaseInstrumentor, public: bool = False) -> Feature:
    """Return the feature that traces what `service` does, and its use of `libraries`.

    A `public` service takes the trace id of a caller, but decides itself whether to record: a
    stranger must not be able to have everything recorded.
    """

    def install(app: FastAPI) -> None:
        if read_settings(TracingSettings).exporter_otlp_endpoint is None:
            app.add_middleware(TraceIdMiddleware)
        else:
            from chassis.spans import trace_as

            trace_as(service, *libraries, public=public)

    return install

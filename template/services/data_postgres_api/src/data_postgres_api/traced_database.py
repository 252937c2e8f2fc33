"""What PostgreSQL is asked, in traces. SQLAlchemy's own instrumentor does not know version 2.1."""

from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

from chassis.app import Feature
from chassis.tracing import tracing

# Statements without their parameters, which may hold anything.
traced: Feature = tracing("data_postgres_api", AsyncPGInstrumentor(capture_parameters=False))  # type: ignore[no-untyped-call]

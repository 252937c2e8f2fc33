"""Traces requests and statements."""

from chassis.phases import Phase
from data_postgres_api.traced_database import traced

PHASE = Phase.TRACING
feature = traced

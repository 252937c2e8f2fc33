"""Traces requests that come from outside."""

from chassis.phases import Phase
from chassis.tracing import tracing

PHASE = Phase.TRACING
feature = tracing("business_files", public=True)

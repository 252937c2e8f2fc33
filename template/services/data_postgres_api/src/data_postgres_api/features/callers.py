"""Accepts signed calls of other services alone."""

from chassis.phases import Phase
from chassis.security.service_tokens import service_calls_only

PHASE = Phase.SECURITY
feature = service_calls_only("data service", frozenset({"/health", "/ready", "/metrics"}))

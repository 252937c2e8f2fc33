"""Measures requests, for Prometheus."""

from chassis.metrics import metrics
from chassis.phases import Phase

PHASE = Phase.METRICS
feature = metrics

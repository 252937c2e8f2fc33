"""Hands on how fresh an answer has to be."""

from chassis.freshness import handed_on_freshness
from chassis.phases import Phase

PHASE = Phase.DEADLINES
feature = handed_on_freshness

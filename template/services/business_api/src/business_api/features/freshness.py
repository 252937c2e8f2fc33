"""Passes on whether an answer may come from a replica that is a little behind."""

from chassis.freshness import handed_on_freshness
from chassis.phases import Phase

PHASE = Phase.DEADLINES
feature = handed_on_freshness

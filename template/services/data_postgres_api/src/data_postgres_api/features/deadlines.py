"""Keeps to the time that the business service has left."""

from chassis.deadline import handed_on_deadline
from chassis.phases import Phase

PHASE = Phase.DEADLINES
feature = handed_on_deadline

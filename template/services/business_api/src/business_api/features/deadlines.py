"""Gives each request a time by which it is answered."""

from chassis.deadline import deadline
from chassis.phases import Phase

PHASE = Phase.DEADLINES
feature = deadline

"""Writes the events of a unit of work with its rows."""

from chassis.phases import Phase
from data_postgres_api.outbox.recorder import records_events

PHASE = Phase.INNERMOST
feature = records_events

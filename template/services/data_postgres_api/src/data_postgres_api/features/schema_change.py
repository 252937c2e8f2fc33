"""Repeats a request whose prepared statement a migration invalidated."""

from chassis.phases import Phase
from data_postgres_api.schema_change import outlives_schema_changes

PHASE = Phase.INNERMOST
feature = outlives_schema_changes

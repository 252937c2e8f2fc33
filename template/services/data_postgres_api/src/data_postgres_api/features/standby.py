"""Reads from the standby what may be a little old."""

from chassis.phases import Phase
from data_postgres_api.standby import reads_from_standby

PHASE = Phase.DATABASE
feature = reads_from_standby

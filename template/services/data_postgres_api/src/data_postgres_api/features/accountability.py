"""Enforces ownership and writes the audit log."""

from chassis.phases import Phase
from data_postgres_api.accountability import accountability

PHASE = Phase.DATABASE
feature = accountability

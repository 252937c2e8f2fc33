"""Logs as the level writes them, and a line for each request."""

from chassis.phases import Phase
from chassis.structured_logging import structured_logging

PHASE = Phase.LOGS
feature = structured_logging("business_files")

"""Reports errors to Sentry, if there is a DSN."""

from chassis.error_tracking import error_tracking
from chassis.phases import Phase

PHASE = Phase.ERRORS
feature = error_tracking("business_files")

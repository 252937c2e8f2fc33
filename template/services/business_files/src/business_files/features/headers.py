"""Adds the headers with which browsers protect people."""

from chassis.phases import Phase
from chassis.security.headers import security_headers

PHASE = Phase.HEADERS
feature = security_headers

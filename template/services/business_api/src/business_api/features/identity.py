"""Logins, tokens, sessions and the guard that asks the policy."""

from business_api.identity.feature import identity
from chassis.phases import Phase

PHASE = Phase.SECURITY
feature = identity

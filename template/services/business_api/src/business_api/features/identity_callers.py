"""Accepts calls that the bot makes for people. It follows `identity` by its name."""

from business_api.identity.callers import calls_of_services
from chassis.phases import Phase

PHASE = Phase.SECURITY
feature = calls_of_services

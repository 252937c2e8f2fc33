"""Describes the API."""

from chassis.openapi import openapi_metadata
from chassis.phases import Phase

PHASE = Phase.ROUTES
feature = openapi_metadata("business-files")

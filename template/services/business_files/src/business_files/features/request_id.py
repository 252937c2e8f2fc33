"""Gives each request an ID, which logs, calls and events carry."""

from chassis.phases import Phase
from chassis.request_id import request_id

PHASE = Phase.OUTERMOST
feature = request_id

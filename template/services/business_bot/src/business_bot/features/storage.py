"""Keeps conversations in Redis, and remembers answered updates there."""

from business_bot.storage import answered_once as update_middleware
from business_bot.storage import redis_storage as make_storage
from chassis.phases import Phase

__all__ = ["PHASE", "make_storage", "update_middleware"]

PHASE = Phase.INNERMOST

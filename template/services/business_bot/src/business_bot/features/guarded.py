"""Puts a breaker before Telegram."""

from aiogram.client.session.middlewares.base import BaseRequestMiddleware

from business_bot.guarded import Guarded
from chassis.phases import Phase

PHASE = Phase.CALLS


def call_middleware() -> BaseRequestMiddleware:
    """Return the breaker."""
    return Guarded()

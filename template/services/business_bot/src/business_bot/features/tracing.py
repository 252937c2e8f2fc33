"""Begins a trace for each action."""

from aiogram import BaseMiddleware
from aiogram.client.session.middlewares.base import BaseRequestMiddleware

from business_bot.settings import BotSettings
from business_bot.traced import Traced, TracedCalls
from chassis.phases import Phase

PHASE = Phase.TRACING


def middleware(_: BotSettings) -> BaseMiddleware:
    """Return what traces actions."""
    return Traced()


def call_middleware() -> BaseRequestMiddleware:
    """Return what traces calls of Telegram."""
    return TracedCalls()

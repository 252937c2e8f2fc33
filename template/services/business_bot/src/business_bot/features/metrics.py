"""Measures actions and calls of Telegram."""

from aiogram import BaseMiddleware
from aiogram.client.session.middlewares.base import BaseRequestMiddleware

from business_bot.measured import Measured, MeasuredCalls
from business_bot.settings import BotSettings
from chassis.phases import Phase

PHASE = Phase.METRICS


def middleware(_: BotSettings) -> BaseMiddleware:
    """Return what measures actions."""
    return Measured()


def call_middleware() -> BaseRequestMiddleware:
    """Return what measures calls of Telegram."""
    return MeasuredCalls()

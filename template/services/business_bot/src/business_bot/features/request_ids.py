"""Gives each action an ID."""

from aiogram import BaseMiddleware

from business_bot.request_ids import RequestIds
from business_bot.settings import BotSettings
from chassis.phases import Phase

PHASE = Phase.OUTERMOST


def middleware(_: BotSettings) -> BaseMiddleware:
    """Return what logs each action under an ID."""
    return RequestIds()

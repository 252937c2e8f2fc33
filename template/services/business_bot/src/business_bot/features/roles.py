"""Lets each person act in a role."""

from aiogram import BaseMiddleware

from business_bot.roles import Roles, RoleSettings
from business_bot.settings import BotSettings
from chassis.phases import Phase
from chassis.settings import read_settings

PHASE = Phase.SECURITY


def people(_: BotSettings) -> frozenset[int]:
    """Return those who may only read."""
    return read_settings(RoleSettings).readers


def middleware(settings: BotSettings) -> BaseMiddleware:
    """Return what makes the calls of an action those of the person."""
    return Roles(settings.users, people(settings))

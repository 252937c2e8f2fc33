"""Lets Telegram call the bot, if it has an address."""

from business_bot.webhook import listen as receive

__all__ = ["receive"]

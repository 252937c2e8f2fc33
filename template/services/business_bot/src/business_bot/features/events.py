"""Notifies people of events."""

from business_bot.notices.reading import tell as background

__all__ = ["background"]

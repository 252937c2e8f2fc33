"""Notifies people of events."""

from business_bot.notices.reading import tell as beside

__all__ = ["beside"]

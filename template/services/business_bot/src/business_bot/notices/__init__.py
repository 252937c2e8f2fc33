"""Tells people what has happened, as events say it."""

"""Tells people what has happened, as the events of orders say it."""

"""Tickets: to report a problem, to look at it, to close it."""

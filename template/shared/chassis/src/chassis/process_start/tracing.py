"""Traces."""

from chassis.spans import trace_as


def start(name: str) -> None:
    """Record spans as those of `name`."""
    trace_as(name)

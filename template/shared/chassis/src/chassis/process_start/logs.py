"""Logs as JSON, and errors to Sentry."""

from chassis.error_tracking import track_errors
from chassis.settings import read_settings
from chassis.structured_logging import LogSettings, configure


def start(name: str) -> None:
    """Log as `name`."""
    configure(name, read_settings(LogSettings))
    track_errors(name)

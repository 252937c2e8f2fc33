"""Tasks: what the worker does by the clock or because somebody said so, and not for a message."""

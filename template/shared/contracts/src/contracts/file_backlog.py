"""How many files wait to be verified."""

from contracts.base import Contract


class FileBacklog(Contract):
    """Files by their state, and for how many seconds the oldest of them has waited."""

    uploaded: int
    scanning: int
    oldest_seconds: float

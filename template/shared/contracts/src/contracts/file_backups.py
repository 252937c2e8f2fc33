"""Copies of files in a second store."""

from contracts.base import Contract


class Copied(Contract):
    """Whether the content of a file has a copy."""

    has_copy: bool


class BackupLag(Contract):
    """How many files have no copy, and for how many seconds the oldest has had none."""

    files: int
    seconds: float

"""How much the files of one owner take."""

from contracts.base import Contract


class FileUsage(Contract):
    """The bytes of all files of one owner that are there, or are expected."""

    bytes: int

"""Readable lines on the console; slices only ever call `logging.getLogger(__name__)`."""

import logging

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging() -> None:
    """Send everything from INFO up to the console."""
    logging.basicConfig(level=logging.INFO, format=FORMAT)

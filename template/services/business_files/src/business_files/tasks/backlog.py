"""Measures the backlog of unverified files, and whether the scanner answers."""

from prometheus_client import Gauge

from business_files.settings import WorkerSettings
from business_files.worker.context import Work
from chassis.errors import Unavailable
from contracts.file_backlog import FileBacklog

PATH = "/api/v1/file-backlog"
EVERY_SECONDS = 10

WAITING = Gauge("files_waiting", "Files whose content is not verified yet.", ["state"])
OLDEST = Gauge("files_oldest_waiting_seconds", "How long the oldest of these has waited.")
SCANNER = Gauge("files_scanner_up", "Whether the virus scanner answers.")


def every(_: WorkerSettings) -> float:
    """Return the seconds between two runs."""
    return EVERY_SECONDS


async def run(work: Work) -> None:
    """Measure once."""
    try:
        await work.scanner.check()
        SCANNER.set(1)
    except Unavailable:
        SCANNER.set(0)
    backlog = await work.client.call("GET", PATH, FileBacklog)
    WAITING.labels("uploaded").set(backlog.uploaded)
    WAITING.labels("scanning").set(backlog.scanning)
    OLDEST.set(backlog.oldest_seconds)

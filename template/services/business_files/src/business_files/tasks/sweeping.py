"""Expires announced files without content, and deletes the content of deleted files."""

from business_files.events import FileEvent, note
from business_files.settings import WorkerSettings
from business_files.worker.context import Work
from chassis.errors import Conflict
from contracts.files import FileChange, FileWork

BATCH = 100
HOUR = 3600


def every(settings: WorkerSettings) -> float:
    """Return the seconds between two runs."""
    return settings.sweep_seconds


async def run(work: Work) -> None:
    """Sweep once; the next run continues after an interruption."""
    for file in await work.files.expire(int(work.settings.pending_hours * HOUR)):
        note(FileEvent("verified", file.id, str(file.state), 0, file.declared_type))
    while files := await work.files.lease(FileWork.PURGE, BATCH, HOUR):
        for file in files:
            await work.objects.delete(file.key)
            change = FileChange(
                version=file.version, state=file.state, reason=file.reason, is_purged=True
            )
            try:
                await work.files.change(file.id, change)
            except Conflict:
                continue
            note(FileEvent("purged", file.id, str(file.state), file.size, file.content_type))

"""Deletes objects without a row, and reports rows without an object.

A slow upload can end after its row has expired, and a process can crash between storing content and
writing the row. Only a listing of the store finds these objects.
"""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from business_files.events import FileEvent, note
from business_files.settings import WorkerSettings
from business_files.worker.context import Work
from filestore.keys import original_key

HOUR = 3600
# More orphans than both of these, absolute and relative to other objects, are not accidents.
FEW = 20
MOST = 0.1

log = logging.getLogger(__name__)


def every(settings: WorkerSettings) -> float:
    """Return the seconds between two runs."""
    return settings.reconcile_hours * HOUR


async def run(work: Work) -> None:
    """Compare all rows and objects once."""
    await delete_orphans(work)
    await report_missing(work)


async def delete_orphans(work: Work) -> None:
    """Delete objects without a row, except for young ones.

    If there are many, or if not a single object has a row, the process is probably connected to the
    wrong store or database. Then it deletes nothing.
    """
    limit = datetime.now(UTC) - timedelta(hours=work.settings.orphan_hours)
    orphans: dict[str, int] = {}
    known_objects = 0
    async for part in work.objects.list():
        old = {each["path"]: each["size"] for each in part if each["last_modified"] < limit}
        if not old:
            continue
        known = await work.files.known(tuple({original_key(key) for key in old}))
        found = {key: size for key, size in old.items() if original_key(key) not in known}
        known_objects += len(old) - len(found)
        orphans |= found
    if len(orphans) > max(FEW, known_objects * MOST) or (orphans and not known_objects):
        log.error(
            "%s objects have no row and %s have one: nothing is deleted. Is this the store "
            "and the database of the same system?",
            len(orphans),
            known_objects,
        )
        return
    for key in sorted(orphans):
        await work.objects.delete(key)
        note(FileEvent("orphaned", None, "deleted", orphans[key], reason=key))


async def report_missing(work: Work) -> None:
    """Report every ready file without an object, so that an operator can restore it."""
    after: UUID | None = None
    while files := await work.files.ready(after):
        for file in files:
            try:
                await work.objects.size(file.key)
            except FileNotFoundError:
                note(FileEvent("orphaned", file.id, "missing", file.size, file.content_type))
        after = files[-1].id

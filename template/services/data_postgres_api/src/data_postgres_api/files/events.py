"""Which writes of files are events."""

from collections.abc import Iterator

from sqlalchemy import inspect

from contracts.events import Event
from contracts.file_events import FileDeleted, FileFacts, FileReady, FileRejected
from contracts.files import FileState
from data_postgres_api.files.models import FileRow
from data_postgres_api.files.repository import to_subject
from data_postgres_api.outbox.sources import Change, publishes


@publishes(FileRow)
def file_events(file: FileRow, change: Change) -> Iterator[Event]:
    """Yield an event when a file becomes ready, is rejected or is deleted."""
    if "state" not in change.columns:
        return
    match file.state:
        case FileState.READY:
            yield FileReady(file=_facts(file))
        case FileState.REJECTED:
            yield FileRejected(file=_facts(file), reason=file.reason or "")
        case FileState.DELETED:
            yield FileDeleted(file=_facts(file))


def _facts(file: FileRow) -> FileFacts:
    # Not loaded lazily: this runs during a flush.
    is_known = "attachments" not in inspect(file).unloaded
    return FileFacts(
        id=file.id,
        owner=file.owner,
        purpose=file.purpose,
        content_type=file.content_type or file.declared_type,
        size=file.size,
        attachments=tuple(map(to_subject, file.attachments)) if is_known else (),
    )

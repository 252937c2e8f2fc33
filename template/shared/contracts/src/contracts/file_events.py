"""What happens to files, as events."""

from typing import Literal
from uuid import UUID

from contracts.events import Event, Told
from contracts.files import SubjectRef


class FileFacts(Told):
    """A file as it was once something had happened. Its name is in no event: people choose it."""

    id: UUID
    owner: str
    purpose: str
    content_type: str
    size: int | None
    attachments: tuple[SubjectRef, ...] = ()


class FileEvent(Event):
    """Something that has happened to a file."""

    version: Literal[1] = 1
    file: FileFacts


class FileReady(FileEvent):
    """A file was verified, and can be read."""

    type: Literal["file.ready"] = "file.ready"


class FileRejected(FileEvent):
    """A file was refused for its content, which is deleted."""

    type: Literal["file.rejected"] = "file.rejected"
    reason: str


class FileDeleted(FileEvent):
    """A file was deleted."""

    type: Literal["file.deleted"] = "file.deleted"

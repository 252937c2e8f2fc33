"""What happens to notes, as events."""

from typing import Literal
from uuid import UUID

from contracts.events import Event


class NoteEvent(Event):
    """Something that has happened to a note."""

    version: Literal[1] = 1
    note_id: UUID
    note_version: int


class NoteWritten(NoteEvent):
    """A note was written."""

    type: Literal["test_note.written"] = "test_note.written"


class NoteClosed(NoteEvent):
    """A note was closed."""

    type: Literal["test_note.closed"] = "test_note.closed"

"""What happens to notes, as events, and the data service that publishes them."""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from contracts.events import Event
from data_postgres_api.outbox.sources import Change, publishes
from tests.notes import NoteStatus
from tests.notes.data import app as app
from tests.notes.tables import NoteRow


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


@publishes(NoteRow)
def note_events(note: NoteRow, change: Change) -> Iterator[Event]:
    """A note is written when it is stored, and closed when its status says so."""
    state = {"note_id": note.id, "note_version": note.version}
    if change.is_new:
        yield NoteWritten.model_validate(state)
    elif "status" in change.columns and note.status == NoteStatus.CLOSED:
        yield NoteClosed.model_validate(state)

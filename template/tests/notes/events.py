"""Publishes what happens to notes."""

from collections.abc import Iterator

from contracts.events import Event
from data_postgres_api.outbox.sources import Change, publishes
from tests.notes import NoteStatus
from tests.notes.event_contracts import NoteClosed, NoteWritten
from tests.notes.tables import NoteRow


@publishes(NoteRow)
def note_events(note: NoteRow, change: Change) -> Iterator[Event]:
    """A note is written when it is stored, and closed when its status says so."""
    state = {"note_id": note.id, "note_version": note.version}
    if change.is_new:
        yield NoteWritten.model_validate(state)
    elif "status" in change.columns and note.status == NoteStatus.CLOSED:
        yield NoteClosed.model_validate(state)

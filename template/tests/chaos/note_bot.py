"""A bot that notifies of notes, as a process: `python -m tests.chaos.note_bot`."""

from business_bot.main import serve
from business_bot.notices import reading
from business_bot.notices.handler import Notice
from business_bot.settings import NAME
from chassis.modules import find_hooks
from chassis.process import run
from tests.notes.event_contracts import NoteWritten


def said(event: NoteWritten) -> str:
    """Return what people read."""
    return f"Note {event.note_id} was written."


if __name__ == "__main__":
    reading.find_notices = lambda: [Notice("test_notes", NoteWritten, said)]
    run(NAME, serve, *find_hooks(NAME, "features", "prepare"))

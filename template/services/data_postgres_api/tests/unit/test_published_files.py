"""Which writes of files are events."""

from uuid import uuid4

import pytest

from contracts.events import Event
from contracts.file_events import FileDeleted, FileReady, FileRejected
from contracts.files import FileState
from data_postgres_api.files.models import FileAttachmentRow, FileRow
from data_postgres_api.outbox.sources import Change, events_of, find_sources

MOVED = Change(is_new=False, columns=frozenset({"state", "version"}))


def file(state: FileState) -> FileRow:
    return FileRow(
        id=uuid4(),
        owner="ada",
        uploaded_by="ada",
        purpose="document",
        filename="what ada calls it.pdf",
        declared_type="application/pdf",
        max_size=100,
        size=11,
        key="document/7",
        state=state,
        reason="the content is not application/pdf",
        attachments=[FileAttachmentRow(subject_type="thing", subject_id="7")],
    )


@pytest.mark.parametrize(
    ("state", "change", "event"),
    [
        (FileState.READY, MOVED, FileReady),
        (FileState.REJECTED, MOVED, FileRejected),
        (FileState.DELETED, MOVED, FileDeleted),
        (FileState.UPLOADED, MOVED, None),
        (FileState.PENDING, Change(is_new=True), None),
        (FileState.READY, Change(is_new=False, columns=frozenset({"backed_up_at"})), None),
    ],
)
def test_a_write_of_a_file_is_an_event_or_none(
    state: FileState, change: Change, event: type[Event] | None
) -> None:
    find_sources()
    told = list(events_of(file(state), change))
    assert [type(each) for each in told] == ([] if event is None else [event])
    for each in told:
        assert "calls it" not in each.model_dump_json()
        assert '"type":"thing","id":"7"' in each.model_dump_json()

"""Notes in the data service."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from chassis.errors import NotFound
from chassis.subject import Subject
from data_postgres_api.database import Session
from data_postgres_api.main import app as app
from tests.notes import PATH, NewNote, Note, NotePage, NoteQuery, NoteStatus
from tests.notes.tables import NoteRow, TagRow


def to_note(row: NoteRow) -> Note:
    return Note(
        id=row.id,
        author=row.author,
        text=row.text,
        tags=tuple(tag.name for tag in row.tags),
        status=NoteStatus(row.status),
        version=row.version,
    )


async def look_up(session: Session, note_id: UUID) -> NoteRow | None:
    return await session.get(NoteRow, note_id, options=[joinedload(NoteRow.tags)])


async def find(session: Session, note_id: UUID) -> NoteRow:
    if row := await look_up(session, note_id):
        return row
    raise NotFound(f"There is no note {note_id}.")


Found = Annotated[NoteRow, Depends(find, scope="function")]
router = APIRouter(prefix=PATH, tags=["notes"])


@router.put("/{note_id}")
async def store(
    note_id: UUID, note: NewNote, caller: Subject, session: Session, response: Response
) -> Note:
    if row := await look_up(session, note_id):
        return to_note(row)
    tags = [TagRow(name=name) for name in note.tags]
    row = NoteRow(id=note_id, author=caller, text=note.text, status=NoteStatus.OPEN, tags=tags)
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # A request that was repeated has met the one before it.
        return to_note(await find(session, note_id))
    response.status_code = 201
    return to_note(row)


@router.get("")
async def list_notes(query: Annotated[NoteQuery, Query()], session: Session) -> NotePage:
    statement = select(NoteRow).order_by(NoteRow.id).limit(query.limit)
    if query.cursor:
        statement = statement.where(NoteRow.id > query.cursor)
    rows = (await session.scalars(statement.options(joinedload(NoteRow.tags)))).unique().all()
    cursor = rows[-1].id if len(rows) == query.limit else None
    return NotePage(items=tuple(map(to_note, rows)), next_cursor=cursor)


@router.get("/{note_id}")
async def get_note(row: Found) -> Note:
    return to_note(row)


@router.put("/{note_id}/closed")
async def close(row: Found, session: Session) -> Note:
    row.status = NoteStatus.CLOSED
    await session.flush()
    return to_note(row)


app.include_router(router)

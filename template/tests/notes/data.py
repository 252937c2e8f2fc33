"""Notes in the data service."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import ForeignKey, MetaData, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from chassis.caller import Caller
from chassis.errors import NotFound
from data_postgres_api.database import Base, OwnedBy, OwnedThrough, Session
from data_postgres_api.main import app as app
from tests.notes import PATH, NewNote, Note, NotePage, NoteQuery


class Table(Base):
    """Keeps the tables of these tests apart from those of the service."""

    __abstract__ = True
    metadata = MetaData()


class NoteRow(Table):
    """A note."""

    __tablename__ = "test_notes"
    __owner__ = OwnedBy("author")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(200))
    is_closed: Mapped[bool]
    version: Mapped[int] = mapped_column()
    tags: Mapped[list["TagRow"]] = relationship(lazy="raise", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class TagRow(Table):
    """A word that a note is found by."""

    __tablename__ = "test_tags"
    __owner__ = OwnedThrough("note_id")

    note_id: Mapped[UUID] = mapped_column(ForeignKey("test_notes.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)


async def create_tables(engine: AsyncEngine) -> None:
    """Create the tables of notes, unless they are there."""
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all)


def to_note(row: NoteRow) -> Note:
    return Note(
        id=row.id,
        author=row.author,
        text=row.text,
        tags=tuple(tag.name for tag in row.tags),
        is_closed=row.is_closed,
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
    note_id: UUID, note: NewNote, caller: Caller, session: Session, response: Response
) -> Note:
    if row := await look_up(session, note_id):
        return to_note(row)
    tags = [TagRow(name=name) for name in note.tags]
    row = NoteRow(id=note_id, author=caller, text=note.text, is_closed=False, tags=tags)
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
    row.is_closed = True
    await session.flush()
    return to_note(row)


app.include_router(router)

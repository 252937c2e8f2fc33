"""A resource of the tests' own on both services, so that guarantees are proven on any project.

Notes belong to their author. Authors write, read and close their own, keepers read and close all.
"""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from pydantic import Field
from sqlalchemy import DateTime, ForeignKey, MetaData, String, func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from business_api.main import app as business_app
from chassis.caller import Caller
from chassis.client import ServiceClient
from chassis.errors import NotFound
from chassis.security.policy import Policy, Role
from contracts.base import Contract
from data_postgres_api.database import Base, OwnedBy, OwnedThrough, Session
from data_postgres_api.main import app as data_app

PATH = "/api/v1/notes"
BODY = {"text": "Water the plants", "tags": ["home"]}
ROUTES = {
    f"POST {PATH}": "notes:write",
    f"GET {PATH}": "notes:read",
    f"GET {PATH}/{{note_id}}": "notes:read",
    f"POST {PATH}/{{note_id}}/close": "notes:close",
}
ROLES = {
    "author": (Role(own=frozenset({"notes:write", "notes:read"})),),
    "keeper": (Role(all=frozenset({"notes:read", "notes:close"})),),
}


class NewNote(Contract):
    """A note to be stored."""

    text: str = Field(min_length=1, max_length=200)
    tags: tuple[str, ...] = Field(default=(), max_length=10)


class Note(NewNote):
    """A note as stored."""

    id: UUID
    author: str
    is_closed: bool


class NoteQuery(Contract):
    """Which notes a list shows."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=200)


class NotePage(Contract):
    """The newest notes."""

    items: tuple[Note, ...]


class Table(Base):
    """Keeps the tables of these tests apart from those of the service."""

    __abstract__ = True
    metadata = MetaData()


class NoteRow(Table):
    """A note."""

    __tablename__ = "test_notes"
    __owner__ = OwnedBy("author")
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(200))
    is_closed: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    tags: Mapped[list["TagRow"]] = relationship(lazy="raise", cascade="all, delete-orphan")


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


stored = APIRouter(prefix=PATH, tags=["notes"])


def to_note(row: NoteRow) -> Note:
    tags = tuple(tag.name for tag in row.tags)
    return Note(id=row.id, author=row.author, text=row.text, is_closed=row.is_closed, tags=tags)


async def find(session: Session, note_id: UUID) -> NoteRow:
    row = await session.get(NoteRow, note_id, options=[joinedload(NoteRow.tags)])
    if row is None:
        raise NotFound(f"There is no note {note_id}.")
    return row


Found = Annotated[NoteRow, Depends(find, scope="function")]


@stored.put("/{note_id}")
async def store(
    note_id: UUID, note: NewNote, caller: Caller, session: Session, response: Response
) -> Note:
    try:
        return to_note(await find(session, note_id))
    except NotFound:
        response.status_code = 201
    tags = [TagRow(name=name) for name in note.tags]
    row = NoteRow(id=note_id, author=caller, text=note.text, is_closed=False, tags=tags)
    session.add(row)
    await session.flush()
    return to_note(row)


@stored.get("")
async def stored_notes(query: Annotated[NoteQuery, Query()], session: Session) -> NotePage:
    newest = select(NoteRow).order_by(NoteRow.created_at.desc()).limit(query.limit)
    rows = await session.scalars(newest.options(joinedload(NoteRow.tags)))
    return NotePage(items=tuple(map(to_note, rows.unique())))


@stored.get("/{note_id}")
async def stored_note(row: Found) -> Note:
    return to_note(row)


@stored.put("/{note_id}/closed")
async def close_stored(row: Found) -> Note:
    row.is_closed = True
    return to_note(row)


public = APIRouter(prefix=PATH, tags=["notes"])


async def get_client(request: Request) -> ServiceClient:
    return cast(ServiceClient, request.app.state.data_service)


Client = Annotated[ServiceClient, Depends(get_client)]


@public.post("", status_code=201)
async def write(note: NewNote, client: Client) -> Note:
    return await client.call("PUT", f"{PATH}/{uuid4()}", Note, body=note)


@public.get("")
async def notes(query: Annotated[NoteQuery, Query()], client: Client) -> NotePage:
    params = query.model_dump(mode="json", exclude_none=True)
    return await client.call("GET", PATH, NotePage, params=params)


@public.get("/{note_id}")
async def note(note_id: UUID, client: Client) -> Note:
    return await client.call("GET", f"{PATH}/{note_id}", Note)


@public.post("/{note_id}/close")
async def close(note_id: UUID, client: Client) -> Note:
    return await client.call("PUT", f"{PATH}/{note_id}/closed", Note)


def mount(app: FastAPI, router: APIRouter) -> None:
    """Serve the routes, and say in the policy who may use them, where there is one."""
    app.include_router(router)
    if policy := getattr(app.state, "policy", None):
        app.state.policy = Policy({**policy.routes, **ROUTES}, {**policy.roles, **ROLES})


mount(data_app, stored)
mount(business_app, public)

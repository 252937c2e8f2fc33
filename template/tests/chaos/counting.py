"""Notes that a worker has counted, in the data service."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from contracts.base import Contract
from data_postgres_api.database import SHARED, Session
from data_postgres_api.inbox.repository import is_first
from tests.chaos.note_worker import COUNTS, QUEUE, Counted
from tests.notes.data import app
from tests.notes.tables import Table

router = APIRouter(prefix=COUNTS, tags=["notes"])


class CountRow(Table):
    """How often a note was counted."""

    __tablename__ = "test_counts"
    __owner__ = SHARED

    note_id: Mapped[UUID] = mapped_column(primary_key=True)
    times: Mapped[int]


class Counts(Contract):
    """How many notes were counted, and how often altogether."""

    notes: int
    times: int


@router.put("/{note_id}/messages/{message_id}")
async def count(note_id: UUID, message_id: UUID, session: Session) -> Counted:
    if not await is_first(session, QUEUE, message_id):
        return Counted(is_first=False)
    new = insert(CountRow).values(note_id=note_id, times=1)
    more = new.on_conflict_do_update(
        index_elements=["note_id"], set_={"times": CountRow.times + new.excluded.times}
    )
    await (await session.connection()).execute(more)
    return Counted(is_first=True)


@router.get("")
async def counts(session: Session) -> Counts:
    statement = select(func.count(), func.coalesce(func.sum(CountRow.times), 0))
    notes, times = (await session.execute(statement.select_from(CountRow))).one()
    return Counts(notes=notes, times=times)


app.include_router(router)

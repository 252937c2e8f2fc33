"""The route for what waits to be verified; the files service asks it for its metrics."""

from datetime import UTC, datetime

from fastapi import APIRouter
from sqlalchemy import func, select, text

from contracts.file_backlog import FileBacklog
from contracts.files import FileState
from data_postgres_api.database import Session
from data_postgres_api.files.models import UNFINISHED, FileRow

router = APIRouter(prefix="/api/v1/file-backlog", tags=["files"])

WAITING = (FileState.UPLOADED, FileState.SCANNING)


@router.get("")
async def backlog(session: Session) -> FileBacklog:
    """Return how many files wait, and for how long the oldest has."""
    statement = (
        select(FileRow.state, func.count(FileRow.id), func.min(FileRow.created_at))
        .where(text(UNFINISHED), FileRow.state.in_(WAITING))
        .group_by(FileRow.state)
    )
    rows = (await session.execute(statement)).all()
    counts = {state: count for state, count, _ in rows}
    now = datetime.now(UTC)
    oldest = max(((now - since).total_seconds() for _, _, since in rows), default=0.0)
    return FileBacklog(
        uploaded=counts.get(FileState.UPLOADED, 0),
        scanning=counts.get(FileState.SCANNING, 0),
        oldest_seconds=max(0.0, oldest),
    )

"""The route for how much the files of one owner take."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import func, select

from contracts.file_usage import FileUsage
from contracts.files import FileState
from data_postgres_api.database import Session
from data_postgres_api.files.models import FileRow

router = APIRouter(prefix="/api/v1/file-usage", tags=["files"])

COUNTED = (FileState.PENDING, FileState.UPLOADED, FileState.SCANNING, FileState.READY)


@router.get("")
async def usage(
    owner: Annotated[str, Query(min_length=1, max_length=64)], session: Session
) -> FileUsage:
    """Return how many bytes the files of one owner have, or may still get."""
    size = func.coalesce(FileRow.size, FileRow.max_size)
    statement = select(func.coalesce(func.sum(size), 0)).select_from(FileRow)
    counted = statement.where(FileRow.owner == owner, FileRow.state.in_(COUNTED))
    return FileUsage(bytes=int((await session.execute(counted)).scalar_one()))

"""The routes for copies of files; the background process of files calls them."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import func, select, text
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.exc import StaleDataError

from chassis.errors import Conflict, NotFound
from contracts.file_backups import BackupLag, Copied
from contracts.files import StoredFiles
from data_postgres_api.database import Session
from data_postgres_api.files.models import STALE_COPY, UNCOPIED, FileRow
from data_postgres_api.files.repository import to_file

router = APIRouter(prefix="/api/v1/file-backups", tags=["files"])

PAGE = 100


@router.get("/missing")
async def missing(session: Session, after: UUID | None = None) -> StoredFiles:
    """Return files that are ready and have no copy, some hundred in the order of their ids."""
    return await _page(session, UNCOPIED, after)


@router.get("/purged")
async def purged(session: Session, after: UUID | None = None) -> StoredFiles:
    """Return files whose bytes are deleted, and which still have a copy."""
    return await _page(session, STALE_COPY, after)


@router.get("/lag")
async def lag(session: Session) -> BackupLag:
    """Return for how long the oldest file that has no copy has been without one."""
    statement = select(func.count(FileRow.id), func.min(FileRow.updated_at)).where(text(UNCOPIED))
    count, since = (await session.execute(statement)).one()
    seconds = (datetime.now(UTC) - since).total_seconds() if since is not None else 0.0
    return BackupLag(files=count, seconds=max(0.0, seconds))


@router.put("/{file_id}")
async def note_copy(file_id: UUID, copied: Copied, session: Session) -> Copied:
    """Note whether a file has a copy."""
    row = await session.get(FileRow, file_id)
    if row is None:
        raise NotFound(f"There is no file {file_id}.")
    row.backed_up_at = datetime.now(UTC) if copied.has_copy else None
    try:
        await session.flush()
    except StaleDataError as error:
        raise Conflict(f"File {file_id} was changed by another request.") from error
    return copied


async def _page(session: Session, needed: str, after: UUID | None) -> StoredFiles:
    statement = select(FileRow).options(selectinload(FileRow.attachments)).where(text(needed))
    if after is not None:
        statement = statement.where(FileRow.id > after)
    rows = await session.scalars(statement.order_by(FileRow.id).limit(PAGE))
    return StoredFiles(items=tuple(map(to_file, rows)))

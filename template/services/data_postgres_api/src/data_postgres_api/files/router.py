"""The routes of the data service for files; only other services call them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from chassis.subject import Subject
from contracts.files import (
    Expiry,
    FileChange,
    FileQuery,
    Keys,
    Lease,
    NewFile,
    StoredFile,
    StoredFiles,
    SubjectRef,
)
from data_postgres_api.database import Session
from data_postgres_api.files.repository import FileRepository

router = APIRouter(prefix="/api/v1/files", tags=["files"])


async def get_repository(session: Session) -> FileRepository:
    """Return the repository of this request's transaction."""
    return FileRepository(session)


Repository = Annotated[FileRepository, Depends(get_repository)]


@router.put("/{file_id}", responses={201: {"model": StoredFile}})
async def create_file(
    file_id: UUID, file: NewFile, caller: Subject, files: Repository, response: Response
) -> StoredFile:
    """Store a file under an id that the caller made: 201 the first time, 200 when repeated."""
    stored, is_new = await files.create(file_id, caller, file)
    response.status_code = 201 if is_new else 200
    return stored


@router.get("")
async def list_files(query: Annotated[FileQuery, Query()], files: Repository) -> StoredFiles:
    """List files, the newest first."""
    return await files.list(query)


@router.get("/ready")
async def ready_files(files: Repository, after: UUID | None = None) -> StoredFiles:
    """Return a page of ready files in the order of their IDs, beginning behind `after`."""
    return await files.ready(after)


@router.get("/{file_id}")
async def get_file(file_id: UUID, files: Repository) -> StoredFile:
    """Return one file."""
    return await files.get(file_id)


@router.put("/{file_id}/state")
async def change_file(file_id: UUID, change: FileChange, files: Repository) -> StoredFile:
    """Change a file, if it still has the version that the caller has read."""
    return await files.change(file_id, change)


@router.put("/{file_id}/attachments/{type}/{id}")
async def attach_file(
    file_id: UUID, subject: Annotated[SubjectRef, Depends()], files: Repository
) -> StoredFile:
    """Attach a file to a resource."""
    return await files.attach(file_id, subject)


@router.delete("/{file_id}/attachments/{type}/{id}")
async def detach_file(
    file_id: UUID, subject: Annotated[SubjectRef, Depends()], files: Repository
) -> StoredFile:
    """Detach a file from a resource."""
    return await files.detach(file_id, subject)


@router.post("/leases")
async def lease_files(wanted: Lease, files: Repository) -> StoredFiles:
    """Lease files that need work to the calling process."""
    return await files.lease(wanted)


@router.post("/expirations")
async def expire_files(wanted: Expiry, files: Repository) -> StoredFiles:
    """Expire files whose content did not arrive in time."""
    return await files.expire(wanted)


@router.post("/known")
async def known_keys(wanted: Keys, files: Repository) -> Keys:
    """Return the keys that belong to a file."""
    return await files.known(wanted)

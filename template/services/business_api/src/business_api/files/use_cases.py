"""Use cases of files; rows and links are behind ports."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from business_api.files.names import clean_name
from business_api.files.purposes import purpose_for
from business_api.files.subjects import check_may_read, kind_of
from chassis.client import ServiceClient
from chassis.errors import Conflict, ServiceError
from chassis.modules import find_hooks
from contracts.base import Contract
from contracts.files import (
    FileChange,
    FileState,
    MediaType,
    NewFile,
    Sha256,
    Size,
    StoredFile,
    SubjectRef,
)
from filestore.links import Links

log = logging.getLogger(__name__)


class Files(Protocol):
    """The port to wherever the rows of files are kept.

    Every call may be repeated: the second time it changes nothing. A change for a version that is
    no longer the newest raises `chassis.errors.Conflict`.
    """

    async def create(self, file_id: UUID, file: NewFile) -> StoredFile: ...

    async def get(self, file_id: UUID) -> StoredFile: ...

    async def change(self, file_id: UUID, change: FileChange) -> StoredFile: ...

    async def attach(self, file_id: UUID, subject: SubjectRef) -> StoredFile: ...

    async def detach(self, file_id: UUID, subject: SubjectRef) -> StoredFile: ...


class NewUpload(Contract):
    """A file that a client announces, with its exact size and checksum if it knows them.

    Without its size, `max_size` says how many bytes it has at most.
    """

    filename: str
    content_type: MediaType
    purpose: str
    size: Size | None = None
    max_size: Size | None = None
    sha256: Sha256 | None = None
    subject: SubjectRef | None = None


async def begin_upload(
    files: Files, client: ServiceClient, file_id: UUID, caller: str, upload: NewUpload
) -> StoredFile:
    """Store the row of a file before its content arrives; repeated requests return the same file.

    The owner is that of the attached resource, else the caller. Raises `Invalid` for a file that
    its purpose does not accept.
    """
    purpose = purpose_for(upload.purpose, upload.content_type, upload.size)
    owner = caller
    if upload.subject is not None:
        owner = await kind_of(upload.subject).may_attach(client, upload.subject.id)
    new = NewFile(
        owner=owner,
        purpose=purpose.name,
        filename=clean_name(upload.filename),
        declared_type=upload.content_type,
        size=upload.size,
        max_size=min(purpose.max_bytes, upload.max_size or purpose.max_bytes),
        sha256=upload.sha256,
        subject=upload.subject,
    )
    file = await files.create(file_id, new)
    for check in find_hooks("business_api", "file_hooks", "announced"):
        try:
            await check(client, file)
        except ServiceError:
            await delete_file(files, file_id, 0)
            raise
    log.info("file %s is expected: %s, %s bytes", file.id, file.declared_type, file.size)
    return file


async def complete_upload(files: Files, links: Links, file_id: UUID) -> StoredFile:
    """Complete a direct upload to the store, so that it is verified.

    Uploads through the files service are completed by that service.
    """
    file = await files.get(file_id)
    if file.state != FileState.PENDING or not links.is_direct(file):
        return file
    return await files.change(file_id, FileChange(version=file.version, state=FileState.UPLOADED))


async def readable(files: Files, client: ServiceClient, caller: str, file_id: UUID) -> StoredFile:
    """Return a file whose content the caller may read.

    Raises `NotFound`, or `Conflict` while the content is not verified, or when it was refused.
    """
    file = await files.get(file_id)
    await check_may_read(client, caller, file)
    if file.state != FileState.READY:
        why = f": {file.reason}" if file.reason else ""
        raise Conflict(f"The file is {file.state}{why}. Only one that is ready can be read.")
    return file


async def delete_file(files: Files, file_id: UUID, keep_days: float) -> None:
    """Delete a file; its content is deleted after `keep_days`."""
    file = await files.get(file_id)
    purge_after = datetime.now(UTC) + timedelta(days=keep_days)
    change = FileChange(version=file.version, state=FileState.DELETED, purge_after=purge_after)
    await files.change(file_id, change)
    log.info("file %s is deleted", file_id)


async def attach_file(
    files: Files, client: ServiceClient, file_id: UUID, subject: SubjectRef
) -> StoredFile:
    """Attach a file to a resource.

    Raises `Conflict` if the resource has another owner, who would gain access to the file.
    """
    file = await files.get(file_id)
    owner = await kind_of(subject).may_attach(client, subject.id)
    if owner != file.owner:
        raise Conflict("The file and the resource have different owners.")
    return await files.attach(file_id, subject)

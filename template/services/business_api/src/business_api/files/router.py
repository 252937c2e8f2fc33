"""The public routes for files. Content is transferred through links."""

from datetime import datetime
from functools import cache
from typing import Annotated, cast
from urllib.parse import urljoin
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import RedirectResponse

from business_api.files.gateway import FilesGateway
from business_api.files.settings import FilesSettings
from business_api.files.subjects import check_may_read, kind_of
from business_api.files.use_cases import (
    NewUpload,
    attach_file,
    begin_upload,
    complete_upload,
    delete_file,
    readable,
)
from chassis.client import ServiceClient
from chassis.modules import find_hooks
from chassis.settings import read_settings
from chassis.subject import Subject
from contracts.base import Contract
from contracts.files import FileQuery, FileState, StoredFile, SubjectRef
from filestore.links import Content, Links, content_of, make_links

router = APIRouter(prefix="/api/v1", tags=["files"])


async def get_client(request: Request) -> ServiceClient:
    """Return the client of the data service."""
    return cast(ServiceClient, request.app.state.data_service)


Client = Annotated[ServiceClient, Depends(get_client)]


async def get_files(client: Client) -> FilesGateway:
    """Return the port to the files; tests put another one in its place."""
    return FilesGateway(client)


@cache
def get_links() -> Links:
    """Return the issuer of links."""
    return make_links()


Port = Annotated[FilesGateway, Depends(get_files)]
MadeLinks = Annotated[Links, Depends(get_links)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Made by the client. Send it again with a request whose answer was lost.",
    ),
]


class FileView(Contract):
    """A file as clients see it. `content_type` is the declared one until the file is verified."""

    id: UUID
    purpose: str
    filename: str
    content_type: str
    size: int | None
    sha256: str | None
    state: FileState
    reason: str | None
    version: int
    created_at: datetime
    attachments: tuple[SubjectRef, ...]


class Upload(Contract):
    """The request that sends the content: use this method, URL and all headers."""

    id: UUID
    state: FileState
    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


class FilePage(Contract):
    """A part of a list; pass the id of its last file as `after` for those that follow."""

    items: tuple[FileView, ...]


@router.post("/uploads", status_code=201)
async def begin(
    upload: NewUpload,
    request: Request,
    caller: Subject,
    files: Port,
    client: Client,
    links: MadeLinks,
    key: IdempotencyKey = None,
) -> Upload:
    """Announce a file, and receive a link for its content."""
    file_id = uuid4() if key is None else uuid5(NAMESPACE_OID, f"file/{caller}/{key}")
    file = await begin_upload(files, client, file_id, caller, upload)
    link = links.upload(file)
    return Upload(
        id=file.id,
        state=file.state,
        method=link.method,
        url=urljoin(str(request.base_url), link.url),
        headers=dict(link.headers),
        expires_at=link.expires_at,
    )


@router.post("/uploads/{file_id}/complete", status_code=202)
async def complete(file_id: UUID, files: Port, links: MadeLinks) -> FileView:
    """Complete a direct upload. Poll the file until it is ready or rejected."""
    return _view(await complete_upload(files, links, file_id))


@router.get("/files")
async def list_files(query: Annotated[FileQuery, Query()], files: Port, client: Client) -> FilePage:
    """List files, the newest first: all, or those of one resource."""
    if query.subject_type is not None and query.subject_id is not None:
        subject = SubjectRef(type=query.subject_type, id=query.subject_id)
        await kind_of(subject).may_read(client, subject.id)
    found = await files.list(query)
    return FilePage(items=tuple(map(_view, found.items)))


@router.get("/files/{file_id}")
async def get_file(file_id: UUID, caller: Subject, files: Port, client: Client) -> FileView:
    """Return one file."""
    file = await files.get(file_id)
    await check_may_read(client, caller, file)
    return _view(file)


@router.get("/files/{file_id}/content", status_code=307, response_class=RedirectResponse)
async def content(
    file_id: UUID, caller: Subject, files: Port, client: Client, links: MadeLinks
) -> RedirectResponse:
    """Redirect to the content of a ready file; the link expires after some minutes."""
    file = await readable(files, client, caller, file_id)
    return await lead_to(content_of(file), file, client, links)


@router.delete("/files/{file_id}", status_code=204)
async def delete(file_id: UUID, caller: Subject, files: Port, client: Client) -> None:
    """Delete a file."""
    await check_may_read(client, caller, await files.get(file_id))
    await delete_file(files, file_id, read_settings(FilesSettings).keep_deleted_days)


@router.post("/files/{file_id}/attachments")
async def attach(file_id: UUID, subject: SubjectRef, files: Port, client: Client) -> FileView:
    """Attach a file to a resource."""
    return _view(await attach_file(files, client, file_id, subject))


@router.delete("/files/{file_id}/attachments/{type}/{id}")
async def detach(
    file_id: UUID, subject: Annotated[SubjectRef, Depends()], files: Port, client: Client
) -> FileView:
    """Detach a file from a resource."""
    await kind_of(subject).may_attach(client, subject.id)
    return _view(await files.detach(file_id, subject))


async def lead_to(
    content: Content, file: StoredFile, client: ServiceClient, links: Links
) -> RedirectResponse:
    """Return the redirect to content, after calling the modules in the folder `file_hooks`."""
    for hear in find_hooks("business_api", "file_hooks", "link_issued"):
        await hear(client, file)
    link = links.download(content)
    return RedirectResponse(link.url, headers={"Cache-Control": "no-store"})


def _view(file: StoredFile) -> FileView:
    given = {name: getattr(file, name) for name in FileView.model_fields}
    return FileView(**given | {"content_type": file.content_type or file.declared_type})

"""The routes for content. Links authorize them; forms carry the credentials of their caller."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from business_files.content.announcing import Refused, announce
from business_files.content.downloads import serve
from business_files.content.forms import FormFile, read_form
from business_files.content.uploads import Uploads
from business_files.gateway import FilesGateway
from business_files.settings import TransferSettings
from business_files.store import Objects
from chassis.errors import Conflict
from chassis.settings import read_settings
from contracts.base import Contract
from contracts.files import FileState, StoredFile
from filestore.links import CONTENT, ServiceLinks

router = APIRouter(prefix=CONTENT, tags=["content"])


class Taken(Contract):
    """A file with content. It can be downloaded when its state is ready."""

    id: UUID
    state: FileState
    filename: str
    size: int | None
    sha256: str | None


async def check_link(
    request: Request,
    expires: Annotated[int, Query(ge=0, le=2**40)],
    signature: Annotated[str, Query(max_length=64)],
) -> None:
    """Refuse a request without a valid link."""
    links = cast(ServiceLinks, request.app.state.links)
    links.check(request.method, request.url.path, expires, signature)


async def get_files(request: Request) -> FilesGateway:
    """Return the port to the rows."""
    return cast(FilesGateway, request.app.state.files)


async def get_uploads(request: Request) -> Uploads:
    """Return the receiver of content."""
    return cast(Uploads, request.app.state.uploads)


Files = Annotated[FilesGateway, Depends(get_files)]
TakenBy = Annotated[Uploads, Depends(get_uploads)]


@router.put("/{file_id}", status_code=202, dependencies=[Depends(check_link)])
async def upload(file_id: UUID, request: Request, files: Files, uploads: TakenBy) -> Taken:
    """Receive the content of a file."""
    file = await files.get(file_id)
    most = file.max_size if file.size is None else file.size
    _refuse_early(request, most)
    async with uploads.place():
        return _taken(await uploads.take(file, _body(request)))


@router.post("", status_code=202, response_model=Taken)
async def upload_form(request: Request, files: Files, uploads: TakenBy) -> Taken | Response:
    """Receive a form: the fields purpose, subject_type and subject_id, then the file."""
    settings = read_settings(TransferSettings)
    limit = settings.max_form_bytes
    _refuse_early(request, limit + 10_000)
    try:
        # Before the caller is authenticated: without a transfer slot, and with a timeout.
        async with asyncio.timeout(settings.idle_seconds):
            form = await read_form(request.headers.get("content-type", ""), _body(request))
            file_id = await announce(_announced(form, limit), request.headers)
    except TimeoutError:
        raise HTTPException(408, "The fields of the form did not come in time.") from None
    except Refused as refused:
        return refused.answer
    async with uploads.place():
        return _taken(await uploads.take(await files.get(file_id), form.content, limit))


@router.api_route("/{file_id}", methods=["GET", "HEAD"], dependencies=[Depends(check_link)])
async def download(file_id: UUID, request: Request, files: Files) -> Response:
    """Return the content of a file, or the part that a Range header requests."""
    file = await files.get(file_id)
    if file.state != FileState.READY:
        raise Conflict(f"The file is {file.state}. Only one that is ready can be read.")
    objects = cast(Objects, request.app.state.objects)
    return await serve(request.method, request.headers, file, objects)


def _announced(form: FormFile, limit: int) -> dict[str, object]:
    fields = form.fields
    wanted: dict[str, object] = {
        "filename": form.filename,
        "content_type": form.content_type,
        "purpose": fields.get("purpose", "document"),
        "max_size": limit,
    }
    if "subject_type" in fields or "subject_id" in fields:
        names = {"type": "subject_type", "id": "subject_id"}
        wanted["subject"] = {key: fields.get(name, "") for key, name in names.items()}
    return wanted


def _refuse_early(request: Request, limit: int) -> None:
    """Refuse a body by its Content-Length, before it is read."""
    if int(request.headers.get("content-length", 0)) > limit:
        raise HTTPException(413, f"The file has more than {limit:,} bytes.")


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise HTTPException(400, "The connection ended before the content was complete.") from None


def _taken(file: StoredFile) -> Taken:
    return Taken(**{name: getattr(file, name) for name in Taken.model_fields})

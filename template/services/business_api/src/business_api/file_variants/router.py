"""The public route for images in smaller sizes."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from business_api.files.router import Client, MadeLinks, Port, lead_to
from business_api.files.use_cases import readable
from chassis.errors import Conflict
from chassis.subject import Subject
from contracts.files import StoredFile
from filestore.keys import derived_key
from filestore.links import CONTENT, Content

router = APIRouter(prefix="/api/v1/files", tags=["files"])

Size = Literal["small", "medium", "large"]


@router.get("/{file_id}/variants/{name}", status_code=307, response_class=RedirectResponse)
async def variant(
    file_id: UUID, name: Size, caller: Subject, files: Port, client: Client, links: MadeLinks
) -> RedirectResponse:
    """Redirect to a WebP image with a longest side of 320, 1280 or 2560 pixels."""
    file = await readable(files, client, caller, file_id)
    return await lead_to(_content(file, name), file, client, links)


def _content(file: StoredFile, name: Size) -> Content:
    if not (file.content_type or "").startswith("image/"):
        raise Conflict("Only images have other sizes.")
    stem = file.filename.rpartition(".")[0] or file.filename
    return Content(
        f"{CONTENT}/{file.id}/variants/{name}",
        derived_key(file.key, name),
        f"{stem}-{name}.webp",
        "image/webp",
    )

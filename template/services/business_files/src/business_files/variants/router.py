"""Serves images in smaller sizes, by links as the content itself."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from business_files.content.downloads import serve
from business_files.content.router import Files, check_link
from business_files.images.sizes import CONTENT_TYPE, RASTER, variant_key
from business_files.store import Objects
from chassis.errors import Conflict, NotFound
from contracts.files import FileState
from filestore.links import CONTENT

router = APIRouter(prefix=CONTENT, tags=["content"], dependencies=[Depends(check_link)])


@router.api_route("/{file_id}/variants/{name}", methods=["GET", "HEAD"])
async def variant(
    file_id: UUID,
    name: Annotated[str, Path(pattern="^[a-z]{1,16}$")],
    request: Request,
    files: Files,
) -> Response:
    """Return an image in one of its sizes."""
    file = await files.get(file_id)
    if file.state != FileState.READY or file.declared_type not in RASTER:
        raise Conflict("Only an image that is ready has other sizes.")
    objects, key = cast(Objects, request.app.state.objects), variant_key(file.key, name)
    try:
        size = await objects.size(key)
    except FileNotFoundError:
        raise NotFound(f"The image has no size {name}.") from None
    stem = file.filename.rpartition(".")[0] or file.filename
    other = {
        "key": key,
        "size": size,
        "content_type": CONTENT_TYPE,
        "filename": f"{stem}-{name}.webp",
        "sha256": f"{file.sha256}-{name}",
    }
    return await serve(request.method, request.headers, file.model_copy(update=other), objects)

"""Serves content, with conditional and range requests (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import cast

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from business_files.events import FileEvent, note
from business_files.store import Objects
from chassis.errors import Unavailable
from chassis.problems import problem
from contracts.files import StoredFile
from filestore.headers import content_disposition

RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` up to but excluding `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range does not overlap the content."""


def wanted_part(header: str | None, size: int) -> Part | None:
    """Return the part that a Range header requests; None for the whole content.

    Several ranges are answered with the whole content. Raises `Unsatisfiable`.
    """
    found = RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise Unsatisfiable
    return Part(start, end)


async def serve(
    method: str, headers: Mapping[str, str], file: StoredFile, objects: Objects
) -> Response:
    """Return the answer to a request with these headers for a file that is ready."""
    size, content_type = file.size or 0, file.content_type or "application/octet-stream"
    etag = f'"{file.sha256}"'
    given = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": content_disposition(file.filename, content_type),
        # Uploaded content must not run as a page of this site.
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    known = {tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=given)
    # If the client has bytes of another version, it needs the whole content.
    asked = headers.get("range") if headers.get("if-range", etag) == etag else None
    if method == "HEAD":
        asked = None  # range requests are defined for GET only
    try:
        part = wanted_part(asked, size)
    except Unsatisfiable:
        answer = problem(416, "There is no such range.")
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer
    status = 200
    if part is not None:
        status = 206
        given["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    part = part or Part(0, size)
    given["Content-Length"] = str(part.end - part.start)
    if method == "HEAD":
        return Response(status_code=status, headers=given, media_type=content_type)
    started = perf_counter()
    content = objects.read(file.key, part.start, part.end)
    # Before the response begins, so that a missing or unreadable object is still an error.
    try:
        first = await anext(content)
    except FileNotFoundError as error:
        raise Unavailable("The content is not there at the moment.") from error
    whole = _observed(file, started, part.end - part.start, first, content)
    return _Closing(whole, status, given, content_type)


class _Closing(StreamingResponse):
    """Closes its content when the client disconnects, instead of at garbage collection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await cast(AsyncGenerator[bytes], self.body_iterator).aclose()


async def _observed(
    file: StoredFile, started: float, wanted: int, first: bytes, rest: AsyncGenerator[bytes]
) -> AsyncGenerator[bytes]:
    size = len(first)
    try:
        yield first
        async for chunk in rest:
            size += len(chunk)
            yield chunk
    finally:
        await rest.aclose()
        # A client may close the connection after the last byte.
        outcome, took = "done" if size == wanted else "failed", perf_counter() - started
        note(FileEvent("served", file.id, outcome, size, file.content_type, took))

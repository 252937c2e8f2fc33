"""Runs the process that resizes images."""

import asyncio
import sys
from pathlib import Path

from business_files.candidate import Refused
from business_files.images.sizes import SIZES

# By its path: it does not import this service.
PROGRAM = Path(__file__).with_name("resize.py")
# Wall-clock time; CPU time has a lower limit of its own.
TIMEOUT_SECONDS = 60
REFUSED = 3


async def resize(content: bytes, max_pixels: int) -> dict[str, bytes]:
    """Return an image as WebP in each size, by the names of the sizes; raise `Refused`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        str(max_pixels),
        *map(str, SIZES.values()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Without settings and secrets.
        env={},
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            output, errors = await process.communicate(content)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Refused("the image takes too long to decode") from None
    if process.returncode == REFUSED:
        raise Refused(errors.decode(errors="replace").strip()[:200])
    if process.returncode:
        # It exceeded its memory or CPU limit, or the decoder crashed.
        raise Refused("the image cannot be decoded within the limits")
    return dict(zip(SIZES, _parts(output), strict=True))


def _parts(output: bytes) -> list[bytes]:
    found = []
    while output:
        size = int.from_bytes(output[:4])
        found.append(output[4 : 4 + size])
        output = output[4 + size :]
    return found

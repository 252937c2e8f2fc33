"""Images can be decoded, and there they are in smaller sizes."""

from collections.abc import AsyncIterator

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from business_files.candidate import Candidate, Refused
from business_files.images.process import resize
from business_files.images.sizes import CONTENT_TYPE, RASTER, variant_key
from chassis.settings import read_settings

# After the others: it costs most.
PHASE = 10
MAX_BYTES = 50_000_000


class ImageSettings(BaseSettings):
    """How many pixels an image may have; 24 million take 200 MB to decode."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    max_pixels: int = Field(default=24_000_000, ge=1)


async def check(candidate: Candidate) -> None:
    """Store the sizes of an image; raise `Refused` for one that cannot be decoded."""
    if candidate.file.declared_type not in RASTER:
        return
    if candidate.size > MAX_BYTES:
        raise Refused(f"the image has more than {MAX_BYTES:,} bytes")
    key = candidate.file.key
    content = b"".join([chunk async for chunk in candidate.objects.read(key)])
    settings = read_settings(ImageSettings)
    for name, variant in (await resize(content, settings.max_pixels)).items():
        headers = {"Content-Type": CONTENT_TYPE, "Content-Disposition": "inline"}
        await candidate.objects.put(variant_key(key, name), _once(variant), headers)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content

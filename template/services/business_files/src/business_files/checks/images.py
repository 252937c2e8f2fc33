"""Images can be decoded, and are resized."""

from collections.abc import AsyncIterator

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from business_files.candidate import Candidate, Refused
from business_files.images.process import resize
from business_files.images.sizes import CONTENT_TYPE, RASTER, variant_key
from chassis.settings import read_settings

# Last: it is the most expensive check.
PHASE = 10
MAX_BYTES = 50_000_000


class ImageSettings(BaseSettings):
    """The maximum number of pixels; decoding 24 million takes 200 MB."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    max_pixels: int = Field(default=24_000_000, ge=1)


async def check(candidate: Candidate) -> None:
    """Store the resized images; raise `Refused` for an image that cannot be decoded."""
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

"""Limits the total size of the files of one owner."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.client import ServiceClient
from chassis.errors import Conflict
from chassis.settings import read_settings
from contracts.file_usage import FileUsage
from contracts.files import StoredFile

PATH = "/api/v1/file-usage"


class QuotaSettings(BaseSettings):
    """The maximum total size in bytes per owner; 0 disables the limit."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    quota_bytes: int = Field(default=10_000_000_000, ge=0)


async def announced(client: ServiceClient, file: StoredFile) -> None:
    """Raise `Conflict` if the file exceeds the quota of its owner.

    Announced files, including this one, count with their maximum size, so concurrent requests see
    each other. Deleted files do not count.
    """
    quota = read_settings(QuotaSettings).quota_bytes
    if not quota:
        return
    usage = await client.call("GET", PATH, FileUsage, params={"owner": file.owner})
    if usage.bytes > quota:
        raise Conflict(
            f"The files of one owner are limited to {quota:,} bytes; "
            f"with this file they would have {usage.bytes:,}."
        )

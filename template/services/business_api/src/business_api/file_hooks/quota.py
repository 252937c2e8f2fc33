"""Limits how many bytes the files of one owner may have."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.client import ServiceClient
from chassis.errors import Conflict
from chassis.settings import read_settings
from contracts.file_usage import FileUsage
from contracts.files import StoredFile

PATH = "/api/v1/file-usage"


class QuotaSettings(BaseSettings):
    """How many bytes the files of one owner may have together; 0 is no limit."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    quota_bytes: int = Field(default=10_000_000_000, ge=0)


async def announced(client: ServiceClient, file: StoredFile) -> None:
    """Raise `Conflict` when the file is too much together with what the owner has.

    Files that are announced count with the size that they may have, this one among them: of many
    at the same moment, each sees the others. Deleted files do not count.
    """
    quota = read_settings(QuotaSettings).quota_bytes
    if not quota:
        return
    usage = await client.call("GET", PATH, FileUsage, params={"owner": file.owner})
    if usage.bytes > quota:
        raise Conflict(
            f"The files of one owner may have {quota:,} bytes together; "
            f"with this one they would have {usage.bytes:,}."
        )

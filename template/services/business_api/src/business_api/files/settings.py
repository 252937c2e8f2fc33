"""The settings of files in this service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FilesSettings(BaseSettings):
    """For how many days the bytes of a deleted file are kept."""

    model_config = SettingsConfigDict(env_prefix="FILES_", env_ignore_empty=True)

    keep_deleted_days: float = Field(default=0, ge=0)

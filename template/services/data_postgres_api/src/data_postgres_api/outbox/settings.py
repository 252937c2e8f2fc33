"""The settings of the relay."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class OutboxSettings(BaseSettings):
    """How many seconds apart the relay looks, and how many events it takes at a time."""

    model_config = SettingsConfigDict(env_prefix="OUTBOX_")

    poll_seconds: float = Field(default=0.5, gt=0)
    retry_seconds: float = Field(default=2, gt=0)
    batch: int = Field(default=100, ge=1)

"""The settings of the data service."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PostgresSettings(BaseSettings):
    """Where PostgreSQL is, and how many seconds to wait for it at the start."""

    model_config = SettingsConfigDict(env_prefix="POSTGRES_")

    host: str = "postgres"
    port: int = 5432
    user: str = "app"
    password: SecretStr
    db: str = "app"
    wait_seconds: float = Field(default=60, ge=0)

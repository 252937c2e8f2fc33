"""The settings of the business service."""

from pydantic import AnyHttpUrl, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DataServiceSettings(BaseSettings):
    """Where the data service is, and how many seconds a call to it may take."""

    model_config = SettingsConfigDict(env_prefix="DATA_SERVICE_")

    url: AnyHttpUrl = AnyHttpUrl("http://data_postgres_api:8001")
    timeout_seconds: float = Field(default=5, gt=0)

"""The settings of the worker."""

from pydantic import AnyHttpUrl, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

NAME = "business_worker"


class DataServiceSettings(BaseSettings):
    """Where the data service is, and how many seconds a call to it may take."""

    model_config = SettingsConfigDict(env_prefix="DATA_SERVICE_")

    url: AnyHttpUrl = AnyHttpUrl("http://data_postgres_api:8001")
    timeout_seconds: float = Field(default=5, gt=0)


class WorkerSettings(BaseSettings):
    """For how many days it is remembered which messages had their effect."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    remember_days: int = Field(default=30, ge=1, le=3650)

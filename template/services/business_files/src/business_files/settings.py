"""The settings of the files service. Sizes are in bytes, times in seconds."""

from typing import Literal

from pydantic import AnyHttpUrl, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

NAME = "business_files"


class DataServiceSettings(BaseSettings):
    """Where the data service is, and how many seconds a call to it may take."""

    model_config = SettingsConfigDict(env_prefix="DATA_SERVICE_")

    url: AnyHttpUrl = AnyHttpUrl("http://data_postgres_api:8001")
    timeout_seconds: float = Field(default=5, gt=0)


class BusinessServiceSettings(BaseSettings):
    """Where the business service is, which checks what a caller may upload."""

    model_config = SettingsConfigDict(env_prefix="BUSINESS_SERVICE_")

    url: AnyHttpUrl = AnyHttpUrl("http://business_api:8000")
    timeout_seconds: float = Field(default=10, gt=0)


class TransferSettings(BaseSettings):
    """Concurrent transfers, the maximum size of a form, and the timeout for idle clients."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    max_transfers: int = Field(default=50, ge=1)
    max_form_bytes: int = Field(default=10_000_000, ge=1)
    idle_seconds: float = Field(default=30, gt=0)


class ScannerSettings(BaseSettings):
    """Where clamd is. `off` accepts every file, so it is never the default."""

    model_config = SettingsConfigDict(env_prefix="FILES_SCANNER_")

    kind: Literal["clamd", "off"] = "clamd"
    host: str = "clamav"
    port: int = 3310
    connect_seconds: float = Field(default=2, gt=0)
    scan_seconds: float = Field(default=60, gt=0)


class WorkerSettings(BaseSettings):
    """Background work: verification and cleanup."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    concurrency: int = Field(default=2, ge=1)
    poll_seconds: float = Field(default=0.5, gt=0)
    retry_seconds: int = Field(default=5, ge=1)
    lease_seconds: int = Field(default=300, ge=1)
    sweep_seconds: float = Field(default=300, gt=0)
    pending_hours: float = Field(default=24, gt=0)
    # Younger objects without a row are kept: their upload may still be in progress.
    orphan_hours: float = Field(default=48, gt=0)
    reconcile_hours: float = Field(default=24, gt=0)
    max_unpacked_bytes: int = Field(default=1_000_000_000, ge=1)
    max_archive_entries: int = Field(default=10_000, ge=1)

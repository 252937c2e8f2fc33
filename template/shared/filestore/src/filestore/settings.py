"""Settings of the object store and of links."""

from pathlib import Path
from typing import Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MODEL = SettingsConfigDict(env_prefix="FILES_", env_ignore_empty=True)


class StoreSettings(BaseSettings):
    """The object store: a local folder, or a bucket at any S3 endpoint.

    `s3_public_endpoint` is the address of the store for clients. Signatures cover its host.
    """

    model_config = MODEL

    store: Literal["local", "s3"] = "local"
    folder: Path = Path("/var/lib/files")
    s3_endpoint: AnyHttpUrl | None = None
    s3_public_endpoint: AnyHttpUrl | None = None
    s3_bucket: str = Field(default="files", min_length=3, max_length=63)
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _keys_for_s3(self) -> Self:
        if self.store == "s3" and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError("FILES_STORE=s3 needs FILES_S3_ACCESS_KEY and FILES_S3_SECRET_KEY")
        return self

    @property
    def endpoint(self) -> str:
        """Where services reach the store, without a slash at its end."""
        amazon = f"https://s3.{self.s3_region}.amazonaws.com"
        return str(self.s3_endpoint or amazon).rstrip("/")

    @property
    def public_endpoint(self) -> str:
        """Where clients reach the store, without a slash at its end."""
        return str(self.s3_public_endpoint or self.endpoint).rstrip("/")


class LinkSettings(BaseSettings):
    """Settings of links: `transfer` through the files service, or directly with the store.

    `public_url` is the address of the files service for clients; the default is that of the API.
    """

    model_config = MODEL

    transfer: Literal["service", "store"] = "service"
    public_url: AnyHttpUrl | None = None
    link_key: SecretStr = Field(min_length=32)
    upload_link_seconds: int = Field(default=600, ge=1, le=86_400)
    download_link_seconds: int = Field(default=300, ge=1, le=86_400)

"""Where the copies are."""

from pathlib import Path

from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from filestore.settings import StoreSettings


class BackupSettings(BaseSettings):
    """A bucket, best with another provider or in another region; without one there are no copies.

    A `folder` in its place is for a disk of its own that is mounted there.
    """

    model_config = SettingsConfigDict(env_prefix="FILES_BACKUP_", env_ignore_empty=True)

    s3_endpoint: AnyHttpUrl | None = None
    s3_bucket: str = Field(default="", max_length=63)
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    folder: Path | None = None
    seconds: float = Field(default=60, gt=0)

    def store(self) -> StoreSettings | None:
        """Return the second store, None without one."""
        if self.folder is not None:
            return StoreSettings(store="local", folder=self.folder)
        if not self.s3_bucket:
            return None
        return StoreSettings(
            store="s3",
            s3_endpoint=self.s3_endpoint,
            s3_bucket=self.s3_bucket,
            s3_region=self.s3_region,
            s3_access_key=self.s3_access_key,
            s3_secret_key=self.s3_secret_key,
        )

"""How content is encrypted where it is stored."""

from typing import Literal, Self

from pydantic import model_validator
from pydantic_settings import BaseSettings

from filestore.settings import MODEL


class EncryptionSettings(BaseSettings):
    """Who encrypts: nobody, the bucket (AES256, aws:kms), or the files service (envelope).

    With "envelope" every byte goes through the files service: a store or a CDN that clients ask
    directly has no key.
    """

    model_config = MODEL

    encryption: Literal["none", "AES256", "aws:kms", "envelope"] = "none"
    kms_key_id: str = ""
    store: str = "local"
    transfer: str = "service"
    cdn: str = "none"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.by_store and self.store != "s3":
            raise ValueError(f"FILES_ENCRYPTION={self.encryption} needs a bucket: FILES_STORE=s3")
        is_direct = self.transfer != "service" or self.cdn != "none"
        if self.encryption == "envelope" and is_direct:
            raise ValueError(
                "with FILES_ENCRYPTION=envelope clients reach content by the files service alone: "
                "FILES_TRANSFER=service and FILES_CDN=none"
            )
        return self

    @property
    def by_store(self) -> bool:
        """Whether the bucket encrypts."""
        return self.encryption in {"AES256", "aws:kms"}

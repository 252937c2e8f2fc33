"""How the services prove to each other who they are."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceKeySettings(BaseSettings):
    """The key with which this service signs its calls; `make env` makes it."""

    model_config = SettingsConfigDict(env_prefix="SERVICE_")

    private_key: SecretStr = Field(min_length=1)


class CallerKeySettings(BaseSettings):
    """Whose calls this service accepts: `name:key`, with spaces between; two keys of a name for
    as long as one takes the other's place.
    """

    model_config = SettingsConfigDict(env_prefix="SERVICE_")

    public_keys: str = Field(min_length=1)

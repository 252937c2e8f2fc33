"""Encrypts content before it is stored, if the settings ask for that."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from business_files.envelope import EncryptedObjects
from business_files.store import Objects
from chassis.settings import read_settings
from filestore.encryption import EncryptionSettings

PHASE = 20


class MasterKeySettings(BaseSettings):
    """With what the keys of objects are encrypted; only this service has it."""

    model_config = SettingsConfigDict(env_prefix="FILES_")

    master_key: SecretStr = Field(min_length=32)


def wrap_objects(objects: Objects) -> Objects:
    """Return a store that encrypts, or the one that there is."""
    if read_settings(EncryptionSettings).encryption != "envelope":
        return objects
    key = read_settings(MasterKeySettings).master_key
    return EncryptedObjects(objects, key.get_secret_value())

"""Settings from the environment, one class a concern, each with a prefix of its own."""

from pydantic import ValidationError
from pydantic_settings import BaseSettings


class SettingsError(RuntimeError):
    """The environment lacks a setting, or has one that makes no sense."""


def read_settings[Settings: BaseSettings](kind: type[Settings]) -> Settings:
    """Return the settings of `kind`; the error names each variable, never its value."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        lines = [
            f"{prefix}{'_'.join(str(part) for part in item['loc'])}".upper() + f": {item['msg']}"
            for item in error.errors()
        ]
        raise SettingsError("Check the environment (.env): " + "; ".join(lines)) from None

"""Secrets from Vault (or OpenBao): key-value engine version 2, login by AppRole.

Without `VAULT_ADDR` nothing is asked. With it, a Vault that does not answer is an error at the
start, because a service without its secrets cannot work.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

FILES = Path("/run/secrets")


class VaultSettings(BaseSettings):
    """Where Vault is, as whom to log in, and where the secrets are: `mount`/`path`.

    A secret is named like the variable that it takes the place of, such as POSTGRES_PASSWORD.
    """

    # The key to all other secrets may itself be a file.
    model_config = SettingsConfigDict(
        env_prefix="VAULT_", env_ignore_empty=True, secrets_dir=FILES if FILES.is_dir() else None
    )

    addr: AnyHttpUrl | None = None
    role_id: str = ""
    secret_id: SecretStr = SecretStr("")
    mount: str = "secret"
    path: str = ""
    ca_certificate: Path | None = Field(default=None)


class VaultUnavailable(Exception):
    """Vault is configured and gives no secrets; the message says why, without any secret."""


@cache
def vault_secrets() -> Mapping[str, str]:
    """Return what Vault has for this process, read once; nothing when it is not configured."""
    settings = VaultSettings()
    if settings.addr is None:
        return {}
    # Here, because the import takes a twentieth of a second of each start.
    from chassis.vault_client import read_vault

    return read_vault(settings)[0]

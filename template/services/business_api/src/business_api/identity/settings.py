"""The settings of logging in; times are seconds."""

from typing import Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class IssuerSettings(BaseSettings):
    """Tokens that this service issues itself.

    `signing_keys` are private keys with spaces between: the first signs, the others verify. `url`
    is where browsers and clients find the service; it is in every token.
    """

    model_config = SettingsConfigDict(env_prefix="ISSUER_")

    url: AnyHttpUrl = AnyHttpUrl("https://localhost:8443")
    signing_keys: SecretStr = Field(min_length=1)
    access_token_seconds: int = Field(default=300, ge=30, le=3600)
    session_idle_seconds: int = Field(default=1800, ge=60)
    session_absolute_seconds: int = Field(default=43_200, ge=60)
    refresh_grace_seconds: int = Field(default=10, ge=0, le=60)
    login_failures: int = Field(default=5, ge=1)
    login_window_seconds: int = Field(default=900, ge=1)

    @property
    def issuer(self) -> str:
        """The issuer's identifier: the address without a slash at its end."""
        return str(self.url).rstrip("/")

    @model_validator(mode="after")
    def _sessions_outlive_tokens(self) -> Self:
        if self.session_idle_seconds <= self.access_token_seconds:
            raise ValueError("a session must be allowed to idle for longer than a token lives")
        return self


class OidcSettings(BaseSettings):
    """An OpenID Connect issuer elsewhere, such as Keycloak; with `issuer` empty, our own is used.

    `roles_claim` is the way to the roles within its tokens, with dots between.
    """

    model_config = SettingsConfigDict(env_prefix="OIDC_", env_ignore_empty=True)

    issuer: str | None = None
    audience: str = ""
    roles_claim: str = "realm_access.roles"
    docs_client_id: str = "docs"

    @model_validator(mode="after")
    def _audience_is_known(self) -> Self:
        if self.issuer is not None and not self.audience:
            raise ValueError("OIDC_AUDIENCE says which tokens of the issuer are for this API")
        return self


class RevocationSettings(BaseSettings):
    """How long tokens are accepted while nobody can tell which sessions have been ended."""

    model_config = SettingsConfigDict(env_prefix="REVOCATION_")

    grace_seconds: float = Field(default=60, ge=5)

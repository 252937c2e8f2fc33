"""The settings of the bot."""

from typing import Annotated

from pydantic import AnyHttpUrl, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

NAME = "business_bot"

Person = Annotated[int, Field(gt=0)]
"""The number that Telegram gives to somebody."""


class BusinessServiceSettings(BaseSettings):
    """Where the business service is, and how many seconds a call to it may take."""

    model_config = SettingsConfigDict(env_prefix="BUSINESS_SERVICE_")

    url: AnyHttpUrl = AnyHttpUrl("http://business_api:8000")
    timeout_seconds: float = Field(default=5, gt=0)


class BotSettings(BaseSettings):
    """Which bot it is, who may use it, and how often.

    `token` is what @BotFather gave; without one there is no bot. `users` are people, as JSON:
    "[1001, 1002]"; the bot tells everybody else their number, and nothing more. `api_url` is where
    the Bot API is served.
    """

    model_config = SettingsConfigDict(env_prefix="BOT_")

    token: SecretStr = SecretStr("")
    users: frozenset[Person] = frozenset()
    api_url: AnyHttpUrl = AnyHttpUrl("https://api.telegram.org")
    actions_per_minute: int = Field(default=30, ge=1)

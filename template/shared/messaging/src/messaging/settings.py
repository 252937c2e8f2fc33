"""Where RabbitMQ is."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class RabbitSettings(BaseSettings):
    """Where RabbitMQ is, and how many seconds it may take to answer."""

    model_config = SettingsConfigDict(env_prefix="RABBITMQ_")

    host: str = "rabbitmq"
    port: int = 5672
    user: str = "app"
    password: SecretStr
    timeout_seconds: float = Field(default=10, gt=0)

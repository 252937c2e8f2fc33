"""The connection to Redis, which holds what all replicas share and what may be lost."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


class RedisSettings(BaseSettings):
    """Where Redis is, and how many seconds anything there may take."""

    model_config = SettingsConfigDict(env_prefix="REDIS_")

    host: str = "redis"
    port: int = 6379
    password: SecretStr
    timeout_seconds: float = 1


def connect(settings: RedisSettings) -> Redis:
    """Return a client that connects when it is first used; what it reads is text."""
    return Redis(
        host=settings.host,
        port=settings.port,
        password=settings.password.get_secret_value(),
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        # The connection of a pool may be one that Redis has closed since: once more, at once.
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
        health_check_interval=30,
    )

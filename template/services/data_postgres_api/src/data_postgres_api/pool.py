"""How many connections to PostgreSQL the service keeps, and for how long anything may take."""

from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PoolSettings(BaseSettings):
    """The connection pool of one process; times are seconds.

    All replicas together must stay below `max_connections` of PostgreSQL, which is 100 by default.
    To wait for a connection, or to open one, and for a statement takes less than the business
    service waits.
    """

    model_config = SettingsConfigDict(env_prefix="POSTGRES_")

    pool_size: int = Field(default=10, ge=1, le=1000)
    pool_overflow: int = Field(default=5, ge=0, le=1000)
    pool_timeout: float = Field(default=1, gt=0)
    pool_recycle: int = Field(default=1800, ge=1)
    pool_pre_ping: bool = True
    statement_timeout: float = Field(default=3, ge=0)

    @property
    def engine(self) -> dict[str, Any]:
        """Arguments of `create_async_engine`."""
        return {
            "pool_size": self.pool_size,
            "max_overflow": self.pool_overflow,
            "pool_timeout": self.pool_timeout,
            "pool_recycle": self.pool_recycle,
            "pool_pre_ping": self.pool_pre_ping,
        }

    @property
    def server_settings(self) -> dict[str, str]:
        """Settings of each session in PostgreSQL; a timeout of 0 means none."""
        milliseconds = f"{self.statement_timeout * 1000:.0f}"
        return {
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        }

"""Where Prometheus reads the metrics of a process that serves nothing else."""

from prometheus_client import start_http_server
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import read_settings


class MetricsSettings(BaseSettings):
    """The port; no other container is at the same address."""

    model_config = SettingsConfigDict(env_prefix="METRICS_")

    port: int = 9100


def serve_metrics() -> None:
    """Answer from a thread of its own, also while the process is busy."""
    start_http_server(read_settings(MetricsSettings).port)

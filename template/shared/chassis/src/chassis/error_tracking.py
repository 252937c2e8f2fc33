"""Errors to Sentry when `SENTRY_DSN` is set; without it the SDK is not even imported."""

from fastapi import FastAPI
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.app import Feature
from chassis.settings import read_settings


class SentrySettings(BaseSettings):
    """Where errors are reported, and as coming from which environment."""

    model_config = SettingsConfigDict(env_prefix="SENTRY_")

    dsn: str = ""
    environment: str = "development"


def track_errors(service: str) -> None:
    """Report every logged error of this process as one of `service`, if there is a DSN."""
    settings = read_settings(SentrySettings)
    if settings.dsn:
        # Here, because the import takes a tenth of a second of each start.
        from chassis.sentry import report_errors

        report_errors(service, settings.dsn, settings.environment)


def error_tracking(service: str) -> Feature:
    """Return the feature that reports every logged error of `service`."""

    def install(_: FastAPI) -> None:
        track_errors(service)

    return install

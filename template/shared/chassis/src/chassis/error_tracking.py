"""Errors to Sentry when `SENTRY_DSN` is set; without it nothing is sent and nothing is slowed."""

import sentry_sdk
from fastapi import FastAPI
from pydantic_settings import BaseSettings, SettingsConfigDict
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn

from chassis.app import Feature
from chassis.request_id import current_request_id
from chassis.settings import SettingsError, read_settings


class SentrySettings(BaseSettings):
    """Where errors are reported, and as coming from which environment."""

    model_config = SettingsConfigDict(env_prefix="SENTRY_")

    dsn: str = ""
    environment: str = "development"


def _add_request_id(event: Event, _: Hint) -> Event:
    request_id = current_request_id()
    if request_id is not None:
        event.setdefault("tags", {})["request_id"] = request_id
    return event


def track_errors(service: str) -> None:
    """Report every logged error of this process as one of `service`.

    The SDK's own hooks into FastAPI cost half of the throughput and are off; an error reaches
    Sentry because the chassis logs it. So is the one that notes the address of every call: an
    address may have a secret in it.
    """
    settings = read_settings(SentrySettings)
    if not settings.dsn:
        return
    try:
        sentry_sdk.init(
            dsn=settings.dsn,
            environment=settings.environment,
            server_name=service,
            include_local_variables=False,
            before_send=_add_request_id,
            disabled_integrations=[
                StarletteIntegration(),
                FastApiIntegration(),
                AioHttpIntegration(),
            ],
        )
    except BadDsn as error:
        raise SettingsError(f"Check the environment (.env): SENTRY_DSN: {error}") from None


def error_tracking(service: str) -> Feature:
    """Return the feature that reports every logged error of `service`."""

    def install(_: FastAPI) -> None:
        track_errors(service)

    return install

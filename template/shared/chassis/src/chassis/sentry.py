"""The Sentry SDK, imported only where errors are reported (`chassis.error_tracking`)."""

import sentry_sdk
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn

from chassis.request_id import current_request_id
from chassis.settings import SettingsError


def _add_request_id(event: Event, _: Hint) -> Event:
    request_id = current_request_id()
    if request_id is not None:
        event.setdefault("tags", {})["request_id"] = request_id
    return event


def report_errors(service: str, dsn: str, environment: str) -> None:
    """Report every logged error of this process as one of `service`.

    The SDK's integrations for FastAPI cost half of the throughput and are off; an error reaches
    Sentry because the chassis logs it. The aiohttp integration is off as well: it records the URL
    of every call, which may contain a secret.

    Raises `SettingsError` for an invalid DSN.
    """
    try:
        sentry_sdk.init(
            dsn=dsn,
            environment=environment,
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

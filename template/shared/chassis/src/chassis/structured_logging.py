"""Logs as JSON, one object a line, in one shape for the service, uvicorn and SQLAlchemy."""

import json
import logging
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Literal

import orjson
import structlog
from fastapi import FastAPI
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from chassis.app import Feature
from chassis.request_id import current_request_id
from chassis.response_status import ResponseStatus
from chassis.settings import read_settings

access_log = logging.getLogger("chassis.access")

# Probes ask every few seconds; what they ask is of interest only to somebody who debugs.
QUIET_PATHS = {"/health", "/ready"}


class LogSettings(BaseSettings):
    """How much is logged, and whether for machines (json) or for people (console)."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["json", "console"] = "json"


def _json(event: EventDict, **_: object) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # half a surrogate pair, an integer beyond 64 bits
        return json.dumps(event, default=repr)


_extra = structlog.stdlib.ExtraAdder()


def _add_extra(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Come first, and keep the message: an extra field takes no place that every line has."""
    message = event["event"]
    _extra(logger, method, event)
    event["event"] = message
    return event


def _processors(service: str) -> list[Processor]:
    def add_context(_: object, __: str, event: EventDict) -> EventDict:
        event.pop("color_message", None)  # uvicorn's message once more, with escape codes
        event["service"] = service
        request_id = current_request_id()
        if request_id is not None:
            event["request_id"] = request_id
        return event

    return [
        _add_extra,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_context,
    ]


def configure(service: str, settings: LogSettings) -> None:
    """Send every log record of the process through one formatter to standard output."""
    renderers: Sequence[Processor]
    if settings.format == "json":
        # No local variables: they hold headers, and with them secrets.
        renderers = [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    else:
        renderers = [structlog.dev.ConsoleRenderer()]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_processors(service),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    # Only what basicConfig made is replaced; handlers of others, such as pytest, stay.
    root.handlers = [h for h in root.handlers if type(h) is not logging.StreamHandler] + [handler]
    root.setLevel(settings.level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    # Replaced by the line below, which also knows the request id and how long it took.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.captureWarnings(True)


class _AccessLogMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = ResponseStatus(send)
        start = perf_counter()
        try:
            await self._app(scope, receive, status)
        finally:
            level = logging.DEBUG if scope["path"] in QUIET_PATHS else logging.INFO
            access_log.log(
                level,
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status.value,
                    "duration_ms": round((perf_counter() - start) * 1000, 2),
                },
            )


def structured_logging(service: str) -> Feature:
    """Return the feature that logs as `service`, with one line for each request."""

    def install(app: FastAPI) -> None:
        configure(service, read_settings(LogSettings))
        app.add_middleware(_AccessLogMiddleware)

    return install

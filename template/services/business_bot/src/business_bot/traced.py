"""What somebody does is a trace: it begins here, and goes on through the services behind."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.types import TelegramObject
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

from business_bot.measured import action_of

tracer = trace.get_tracer(__name__)


class Traced(BaseMiddleware):
    """Begins a trace for each action."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        with tracer.start_as_current_span(f"bot {action_of(event)}", kind=SpanKind.SERVER) as span:
            result = await handler(event, data)
            if (outcome := data.get("outcome", "done")) != "done":
                span.set_status(StatusCode.ERROR, outcome)
            return result


class TracedCalls(BaseRequestMiddleware):
    """Makes a call of Telegram a part of its trace, by name: the address has the token in it."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Response[Any]:
        with suppress_http_instrumentation():
            if isinstance(method, GetUpdates):
                return await make_request(bot, method)
            name = f"telegram {method.__api_method__}"
            with tracer.start_as_current_span(name, kind=SpanKind.CLIENT):
                return await make_request(bot, method)

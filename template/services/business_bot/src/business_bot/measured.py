"""What Prometheus reads about the bot: what people do, how it ends, and how Telegram answers."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.types import TelegramObject
from prometheus_client import Counter, Gauge, Histogram

from business_bot.conversations import BUTTONS, COMMANDS
from business_bot.request_ids import name_of
from chassis.metrics import BUCKETS

ACTIONS = Histogram(
    "bot_actions_seconds",
    "How long it took to answer what somebody did, by how it ended: done, refused by a rule, "
    "failed by a mistake of ours, unanswered because Telegram was away.",
    ["action", "outcome"],
    buckets=BUCKETS,
)
CALLS = Counter(
    "bot_telegram_calls_total",
    "Calls of Telegram by how they ended: done, refused by a rule of Telegram, failed.",
    ["method", "outcome"],
)
CALL_SECONDS = Histogram(
    "bot_telegram_calls_seconds",
    "How long calls of Telegram took, other than waiting for news.",
    ["method"],
    buckets=BUCKETS,
)
WAITING = Gauge(
    "bot_webhook_waiting",
    "What people have said that Telegram could not bring to the webhook yet.",
)
# Anybody may invent a command; a series for each would fill Prometheus.
KNOWN = frozenset(f"/{each.command}" for each in COMMANDS) | {
    "/start",
    "text",
    *(f"button {each.__prefix__}" for each in BUTTONS),
}


OTHER = "other"
# A rate does not see where a series begins.
for known in (*KNOWN, OTHER):
    ACTIONS.labels(known, "failed")


class Measured(BaseMiddleware):
    """Measures each action."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        action, begin = action_of(event), time.perf_counter()
        try:
            return await handler(event, data)
        finally:
            outcome = data.get("outcome", "done")
            ACTIONS.labels(action, outcome).observe(time.perf_counter() - begin)


def action_of(event: TelegramObject) -> str:
    """Return which of the known things somebody does."""
    name = name_of(event)
    return name if name in KNOWN else OTHER


class MeasuredCalls(BaseRequestMiddleware):
    """Measures each call of Telegram."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Response[Any]:
        name, begin = method.__api_method__, time.perf_counter()
        outcome = "failed"
        try:
            response = await make_request(bot, method)
            outcome = "done"
            return response
        except (TelegramBadRequest, TelegramForbiddenError):
            outcome = "refused"
            raise
        finally:
            CALLS.labels(name, outcome).inc()
            # To wait for news takes as long as there are none.
            if not isinstance(method, GetUpdates):
                CALL_SECONDS.labels(name).observe(time.perf_counter() - begin)

"""A breaker around the calls of Telegram: while it is in trouble, nobody waits for it."""

from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramNetworkError, TelegramServerError
from aiogram.methods import GetMe, GetUpdates, GetWebhookInfo, Response, TelegramMethod

from chassis.errors import Unavailable
from chassis.resilience import CircuitBreaker, Refused, ResilienceSettings
from chassis.settings import read_settings

TROUBLE = (TelegramNetworkError, TelegramServerError)
# How the bot finds out whether Telegram is there again.
PROBES = (GetMe, GetUpdates, GetWebhookInfo)


class Guarded(BaseRequestMiddleware):
    """Refuses calls at once while Telegram does not answer."""

    def __init__(self) -> None:
        settings = read_settings(ResilienceSettings)
        self._breaker = CircuitBreaker(
            "telegram", settings.breaker_failures, settings.breaker_open_seconds
        )

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Response[Any]:
        around = self._breaker.watch() if isinstance(method, PROBES) else self._breaker.call()
        try:
            async with around:
                try:
                    return await make_request(bot, method)
                except TROUBLE as error:
                    raise Unavailable("Telegram does not answer.") from error
        except Refused as error:
            raise TelegramNetworkError(method=method, message=error.detail) from error
        except Unavailable as error:
            raise error.__cause__ or error from None

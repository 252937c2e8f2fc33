"""Whether Telegram can be reached, as the last call to it has shown."""

from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramConflictError, TelegramUnauthorizedError
from aiogram.methods import Response, TelegramMethod

from business_bot.telegram import PASSING


class Reached(BaseRequestMiddleware):
    """Watches the calls to Telegram."""

    def __init__(self) -> None:
        self._is_there = False

    def is_there(self) -> bool:
        """Return how the last call ended."""
        return self._is_there

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[Any],
        bot: Bot,
        method: TelegramMethod[Any],
    ) -> Response[Any]:
        try:
            response = await make_request(bot, method)
        except (*PASSING, TelegramConflictError, TelegramUnauthorizedError):
            # A conflict: another process takes what people say. Unauthorized: the token is revoked.
            self._is_there = False
            raise
        self._is_there = True
        return response

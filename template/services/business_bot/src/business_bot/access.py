"""Who may use the bot: whoever is named in the settings."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, User

from business_bot.telegram import say

log = logging.getLogger(__name__)


class Access(BaseMiddleware):
    """Lets through what these people do; tells others their number, and nothing else."""

    def __init__(self, users: frozenset[int]) -> None:
        self._users = users

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: User | None = data.get("event_from_user")
        if user is None:
            return None
        if user.id in self._users:
            return await handler(event, data)
        data["outcome"] = "refused"
        log.warning("%d may not use the bot", user.id)
        number = f"Your number is {user.id}: whoever runs it can add you."
        await say(event, f"You may not use this bot. {number}")
        return None

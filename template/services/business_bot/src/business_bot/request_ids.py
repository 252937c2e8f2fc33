"""What somebody does is one request: its log lines and its calls bear one id."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Message, TelegramObject, User

from chassis.request_id import as_part_of_request

log = logging.getLogger(__name__)


class RequestIds(BaseMiddleware):
    """Gives each action an id, and says in the log whose it is and which."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: User | None = data.get("event_from_user")
        with as_part_of_request(None):
            who = None if user is None else user.id
            log.info("action", extra={"who": who, "action": name_of(event)})
            return await handler(event, data)


def name_of(event: TelegramObject) -> str:
    """Return which command was given, or which kind of button was pressed, and nothing else."""
    if isinstance(event, CallbackQuery):
        return f"button {(event.data or '').partition(':')[0]}"
    text = (event.text or "") if isinstance(event, Message) else ""
    return text.split()[0].partition("@")[0][:32] if text.startswith("/") else "text"

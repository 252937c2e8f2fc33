"""What somebody reads when it did not work."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.middlewares.manager import MiddlewareManager
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import ErrorEvent, TelegramObject

from business_bot.telegram import PASSING, say
from chassis.errors import ServiceError

log = logging.getLogger(__name__)

Action = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

# Telegram is away, or whoever asked has blocked the bot meanwhile.
UNANSWERED = (*PASSING, TelegramForbiddenError)


class Mistakes(BaseMiddleware):
    """Says what the business service has said, and nothing of what is our own fault."""

    def __init__(self, people: frozenset[int]) -> None:
        self._people = people

    async def __call__(
        self,
        handler: Action,
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        try:
            return await handler(event, data)
        except Exception as error:
            # For what measures around it.
            data["outcome"] = _outcome(error)
            await self._answer(event, error)

    def before(self, around: Sequence[BaseMiddleware]) -> Callable[..., Awaitable[None]]:
        """Return what answers an update that failed before it came here, as when a storage is away.

        It counts as an action that failed, with all that is `around` one.
        """

        async def answer(mistake: ErrorEvent, **data: Any) -> None:
            async def fail(*_: Any, **__: Any) -> None:
                raise mistake.exception

            event = mistake.update.event
            if self._may_be_told(event):
                steps = [*around, self]
                action: Action = MiddlewareManager.wrap_middlewares(steps, fail)
                await action(event, data)
            else:
                log.error("an update failed", exc_info=mistake.exception)

        return answer

    def _may_be_told(self, event: TelegramObject) -> bool:
        who = getattr(event, "from_user", None)
        chat = getattr(getattr(event, "message", event), "chat", None)
        is_private = chat is not None and chat.type == ChatType.PRIVATE
        return who is not None and who.id in self._people and is_private

    async def _answer(self, event: TelegramObject, error: Exception) -> None:
        if isinstance(error, ServiceError):
            log.warning("refused: %s", error.detail)
            said = error.detail
        elif isinstance(error, UNANSWERED):
            # Whoever asked cannot be told either.
            log.warning("Telegram did not take the answer: %s", error)
            return
        else:
            log.error("an action failed", exc_info=error)
            said = "That did not work, and it is our mistake. It was noted."
        with suppress(TelegramAPIError):
            await say(event, said)


def _outcome(error: Exception) -> str:
    if isinstance(error, ServiceError):
        return "refused"
    return "unanswered" if isinstance(error, UNANSWERED) else "failed"

"""Tells everybody who may use the bot of an event."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import InlineKeyboardMarkup

from business_bot.telegram import PASSING
from chassis.errors import Unavailable
from contracts.events import Event

log = logging.getLogger(__name__)

MAX_REMEMBERED = 10_000


@dataclass(frozen=True)
class Notice:
    """What people read when something has happened; `queue` names where its events wait."""

    queue: str
    event: type[Event]
    said: Callable[[Any], str]
    buttons: Callable[[Any], InlineKeyboardMarkup | None] = lambda _: None


class Notices:
    """Sends a message an event to each of `users`.

    An event may come again: whoever this process has told of it is not told once more.
    """

    def __init__(self, bot: Bot, users: frozenset[int], notices: Sequence[Notice]) -> None:
        self._bot = bot
        self._users = users
        self._notices = {notice.event: notice for notice in notices}
        self._told: OrderedDict[tuple[UUID, int], None] = OrderedDict()
        self._not_before = 0.0

    async def __call__(self, event: Event) -> None:
        """Raise `Unavailable` when somebody could not be told, and can be later."""
        if time.monotonic() < self._not_before:
            raise Unavailable("Telegram wants to be left alone for a while.")
        late: Exception | None = None
        for user in sorted(self._users):
            if (event.id, user) in self._told:
                continue
            try:
                await self._tell(event, user)
            except TelegramRetryAfter as error:
                # By the others too, and by other events.
                self._not_before = time.monotonic() + error.retry_after
                late = error
                break
            except (*PASSING, TelegramUnauthorizedError) as error:
                late = error
        if late is not None:
            raise Unavailable(f"Telegram did not take a notice: {late}") from late

    async def _tell(self, event: Event, user: int) -> None:
        # Before it is told: a copy of the event may be beside this one, and waits for nobody.
        self._told[event.id, user] = None
        if len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)
        try:
            notice = self._notices[type(event)]
            buttons = notice.buttons(event)
            await self._bot.send_message(user, notice.said(event), reply_markup=buttons)
        except (TelegramForbiddenError, TelegramBadRequest) as error:
            # Somebody who has never written to the bot, or has blocked it.
            log.warning("%d cannot be told: %s", user, error.message)
        except BaseException:
            self._told.pop((event.id, user), None)
            raise

"""How often somebody may do something."""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, User

from business_bot.telegram import say

WINDOW_SECONDS = 60
MAX_REMEMBERED = 10_000


class Throttling(BaseMiddleware):
    """Lets each person do so many things a minute; says so once, and is silent after that."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._now = now
        self._done: dict[int, deque[float]] = {}
        self._told: set[int] = set()

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: User | None = data.get("event_from_user")
        if user is None or self._has_room(user.id):
            return await handler(event, data)
        data["outcome"] = "refused"
        if user.id not in self._told:
            self._told.add(user.id)
            await say(event, f"Slower, please: {self._per_minute} things a minute.")
        return None

    def _has_room(self, user: int) -> bool:
        now = self._now()
        done = self._done.setdefault(user, deque())
        while done and done[0] <= now - WINDOW_SECONDS:
            done.popleft()
        if len(done) >= self._per_minute:
            return False
        done.append(now)
        self._told.discard(user)
        if len(self._done) > MAX_REMEMBERED:
            self._forget(now)
        return True

    def _forget(self, now: float) -> None:
        """Forget who has done nothing for a minute: anybody can write to a bot."""
        quiet = [user for user, done in self._done.items() if done[-1] <= now - WINDOW_SECONDS]
        for user in quiet:
            del self._done[user]
            self._told.discard(user)

"""What is being answered, so that a process that ends can finish it."""

import asyncio
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.types import Update


class FinishingDispatcher(Dispatcher):
    """Knows the updates that are being answered; they are Telegram's no more."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._begun: set[asyncio.Task[Any]] = set()

    async def feed_update(self, bot: Bot, update: Update, **kwargs: Any) -> Any:
        """Answer an update, in the task in which it came."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("An update is answered outside of any task.")
        self._begun.add(task)
        try:
            return await super().feed_update(bot, update, **kwargs)
        finally:
            self._begun.discard(task)

    async def finish(self, seconds: float) -> None:
        """Wait until all is answered, but no longer than `seconds`."""
        await asyncio.sleep(0)  # what has come and not been begun begins
        if self._begun:
            await asyncio.wait(self._begun, timeout=seconds)

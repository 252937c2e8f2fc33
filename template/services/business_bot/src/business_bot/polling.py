"""Asks Telegram again and again what people have said: nothing has to be reached from outside."""

import asyncio

from aiogram import Bot

from business_bot.begun import FinishingDispatcher
from business_bot.conversations import COMMANDS
from business_bot.reached import Reached
from business_bot.telegram import until_it_answers
from business_bot.waiting import wait_until

AT_ONCE = 50
FINISH_SECONDS = 20


async def poll(stop: asyncio.Event, bot: Bot, dispatcher: FinishingDispatcher) -> None:
    """Take what people say until `stop` is set, and finish what was begun."""
    reached = Reached()
    bot.session.middleware(reached)
    # Telegram tells it at one place only.
    if not await until_it_answers(stop, bot, COMMANDS, bot.delete_webhook):
        return
    async with asyncio.TaskGroup() as group:
        group.create_task(_end(stop, dispatcher, reached))
        await dispatcher.start_polling(
            bot, handle_signals=False, close_bot_session=False, tasks_concurrency_limit=AT_ONCE
        )
    await dispatcher.finish(FINISH_SECONDS)


async def _end(stop: asyncio.Event, dispatcher: FinishingDispatcher, reached: Reached) -> None:
    await wait_until(stop, reached.is_there)
    await dispatcher.stop_polling()

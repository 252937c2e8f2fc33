"""Reads the events that the bot notifies people of."""

import asyncio
from typing import Any

from aiogram import Bot

from business_bot.notices.handler import Notice, Notices
from chassis.modules import find_modules
from chassis.settings import read_settings
from messaging.around import AROUND
from messaging.reader import Reader, ReaderSettings, make_broker
from messaging.reading import read_until
from messaging.settings import RabbitSettings

QUEUE = "business_bot"


def find_notices() -> list[Notice]:
    """Return the `NOTICES` of each folder of the bot that has a `notices.py`."""
    modules = find_modules("business_bot", "*/notices.py")
    return [notice for module in modules for notice in module.NOTICES]


async def tell(stop: asyncio.Event, bot: Bot, users: frozenset[int]) -> None:
    """Tell `users` of each event that is a notice, until `stop` is set."""
    found = find_notices()
    if not found:
        return
    rabbit, reading = read_settings(RabbitSettings), read_settings(ReaderSettings)
    broker = make_broker(rabbit, QUEUE, reading.drain_seconds)
    mover = make_broker(rabbit, f"{QUEUE} moves")
    handler = Notices(bot, users, found)
    readers: list[Reader[Any]] = [
        Reader(broker, mover, f"{QUEUE}.{each.queue}", each.event, handler, reading, AROUND)
        for each in found
    ]
    # A bot that answers is ready, whether it hears of events or not.
    await read_until(stop, broker, mover, readers, show=lambda _: None)

"""The composition root of the bot."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aiogram import BaseMiddleware, F, Router
from aiogram.enums import ChatType
from aiogram.fsm.storage.base import BaseEventIsolation, BaseStorage

from business_bot.access import Access
from business_bot.begun import FinishingDispatcher
from business_bot.conversations import make_routers
from business_bot.memory import memory_storage
from business_bot.mistakes import Mistakes
from business_bot.polling import poll
from business_bot.settings import NAME, BotSettings, BusinessServiceSettings
from business_bot.telegram import make_bot
from business_bot.throttling import Throttling
from business_bot.waiting import wait_until
from chassis.client import ServiceClient
from chassis.modules import find_hooks
from chassis.settings import read_settings

log = logging.getLogger(__name__)


def hooks(name: str) -> list[Any]:
    """Return what the modules in the folder `features` have under `name`, from the outermost in."""
    return find_hooks(NAME, "features", name)[::-1]


def people(settings: BotSettings) -> frozenset[int]:
    """Return who may use the bot."""
    return settings.users.union(*(more(settings) for more in hooks("people")))


async def serve(stop: asyncio.Event) -> None:
    """Answer people until told to stop; what was begun is finished then."""
    settings, business = read_settings(BotSettings), read_settings(BusinessServiceSettings)
    if not settings.token.get_secret_value():
        log.warning("there is no bot: get a token from @BotFather, and put it into .env: BOT_TOKEN")
        await wait_until(stop)
        return
    make_storage = [*hooks("make_storage"), memory_storage][0]
    receive = [*hooks("receive"), poll][0]
    name, url = "business service", str(business.url)
    async with (
        ServiceClient(name, url, business.timeout_seconds) as client,
        make_bot(settings) as bot,
        make_storage() as (storage, isolation),
    ):
        for make in hooks("call_middleware"):
            bot.session.middleware(make())
        dispatcher = make_dispatcher(make_routers(client), settings, storage, isolation)
        async with asyncio.TaskGroup() as group:
            group.create_task(receive(stop, bot, dispatcher))
            for background in hooks("background"):
                group.create_task(background(stop, bot, people(settings)))


def make_dispatcher(
    routers: Sequence[Router],
    settings: BotSettings,
    storage: BaseStorage,
    isolation: BaseEventIsolation,
) -> FinishingDispatcher:
    """Return what decides who answers an update, and what happens before and after."""
    dispatcher = FinishingDispatcher(storage=storage, events_isolation=isolation)
    dispatcher.include_routers(*routers)
    # Inside the lock of a conversation, so that a second delivery waits for the first.
    for make in hooks("update_middleware"):
        for outermost in make(storage):
            dispatcher.update.outer_middleware(outermost)
    outer: list[BaseMiddleware] = [make(settings) for make in hooks("middleware")]
    mistakes = Mistakes(people(settings))
    dispatcher.error.register(mistakes.before(outer))
    # What is said in a group all of its members read, so nobody is heard there.
    dispatcher.message.filter(F.chat.type == ChatType.PRIVATE)
    dispatcher.callback_query.filter(F.message.chat.type == ChatType.PRIVATE)
    # From the outermost in.
    for middleware in (
        *outer,
        mistakes,
        Throttling(settings.actions_per_minute),
        Access(people(settings)),
    ):
        dispatcher.message.middleware(middleware)
        dispatcher.callback_query.middleware(middleware)
    return dispatcher

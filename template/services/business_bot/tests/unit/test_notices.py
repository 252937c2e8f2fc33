"""Notices: each person is told once, later if Telegram is away, and nobody holds up the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from business_bot.notices.handler import Notice, Notices
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from chassis.errors import Unavailable
from contracts.events import Event

ADA, BOB = 1001, 1002


class KettleBoiled(Event):
    """Something that the bot notifies people of."""

    type: str = "kettle.boiled"
    version: int = 1
    litres: int = 1


BOILED = Notice("boiled", KettleBoiled, lambda event: f"{event.litres} l are ready")


@asynccontextmanager
async def notices() -> AsyncIterator[tuple[FakeTelegram, Notices]]:
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            yield telegram, Notices(bot, frozenset({ADA, BOB}), [BOILED])


async def test_everybody_is_told_once() -> None:
    async with notices() as (telegram, tell):
        event = KettleBoiled()
        await tell(event)
        await tell(event)
        said = "1 l are ready"
        assert [(each.chat, each.text) for each in telegram.said] == [(ADA, said), (BOB, said)]


async def test_copies_side_by_side_are_told_once() -> None:
    async with notices() as (telegram, tell):
        event = KettleBoiled()
        await asyncio.gather(tell(event), tell(event))
        assert [each.chat for each in telegram.said] == [ADA, BOB]


async def test_who_has_blocked_the_bot_does_not_keep_others_from_hearing() -> None:
    async with notices() as (telegram, tell):
        telegram.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
        await tell(KettleBoiled())
        assert [each.chat for each in telegram.said] == [BOB]


async def test_a_telegram_that_wants_to_be_left_alone_is() -> None:
    async with notices() as (telegram, tell):
        telegram.fail("sendMessage", 429, "Too Many Requests: retry after 1")
        for _ in range(2):
            with pytest.raises(Unavailable, match="Telegram"):
                await tell(KettleBoiled())
        assert telegram.calls.count("sendMessage") == 1
        await asyncio.sleep(1)
        await tell(KettleBoiled())
        assert [each.chat for each in telegram.said] == [ADA, BOB]


async def test_who_could_not_be_told_is_told_later_and_nobody_twice() -> None:
    async with notices() as (telegram, tell):
        event = KettleBoiled()
        telegram.fail("sendMessage", 500, "Internal Server Error")
        with pytest.raises(Unavailable, match="Telegram did not take a notice"):
            await tell(event)
        assert [each.chat for each in telegram.said] == [BOB]
        await tell(event)
        assert [each.chat for each in telegram.said] == [BOB, ADA]

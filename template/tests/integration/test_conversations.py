"""Conversations with the bot in a real Redis: they outlive the bot, and replicas share them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiogram.fsm.storage.base import StorageKey
from pydantic import SecretStr

from business_bot.main import make_dispatcher
from business_bot.polling import poll
from business_bot.settings import BotSettings
from business_bot.storage import Isolation, redis_storage
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from business_bot.testing_talk import Talk
from tests.redis_server import redis_server

ADA = 1001


@pytest.fixture(scope="module", autouse=True)
def redis() -> Iterator[None]:
    with redis_server() as container, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_HOST", container.get_container_host_ip())
        patch.setenv("REDIS_PORT", str(container.get_exposed_port(6379)))
        patch.setenv("REDIS_PASSWORD", "test")
        yield


@asynccontextmanager
async def bot(telegram: FakeTelegram) -> AsyncIterator[None]:
    given = {"token": SecretStr(TOKEN), "users": [ADA], "api_url": telegram.url}
    settings, stop = BotSettings.model_validate(given), asyncio.Event()
    async with make_bot(settings) as client, redis_storage() as (storage, isolation):
        dispatcher = make_dispatcher([Talk().router()], settings, storage, isolation)
        polling = asyncio.create_task(poll(stop, client, dispatcher))
        try:
            yield
        finally:
            stop.set()
            await polling


async def test_a_conversation_goes_on_with_another_bot() -> None:
    async with FakeTelegram() as telegram:
        async with bot(telegram):
            await telegram.say(ADA, "/water")
            assert await telegram.answer(ADA) == "Which plant?"
        async with bot(telegram):
            await telegram.say(ADA, "fern")
            assert await telegram.answer(ADA, 2) == "Water the fern?"
        async with bot(telegram):
            await telegram.press(ADA, "Yes")
            assert await telegram.answer(ADA, 3) == "The fern is wet."


async def test_an_update_that_is_delivered_again_is_answered_once() -> None:
    async with FakeTelegram() as telegram:
        async with bot(telegram):
            await telegram.say(ADA, "/help")
            await telegram.answer(ADA)
        # A new process knows no offset, so it gets what Telegram believes to be unanswered.
        await telegram.repeat()
        async with bot(telegram):
            await telegram.say(ADA, "/water")
            assert await telegram.answer(ADA, 2) == "Which plant?"
        assert len(telegram.to(ADA)) == 2


async def test_what_was_remembered_is_forgotten_after_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("business_bot.storage.FORGET_SECONDS", 1)
    async with FakeTelegram() as telegram, bot(telegram):
        await telegram.say(ADA, "/water")
        await telegram.answer(ADA)
        await asyncio.sleep(1.5)
        await telegram.say(ADA, "fern")
        assert "I do not know that" in await telegram.answer(ADA, 2)


async def _fail(isolation: Isolation, key: StorageKey) -> None:
    async with isolation.lock(key):
        await isolation.redis.flushdb()
        raise ZeroDivisionError


async def test_a_lock_that_is_gone_spoils_nothing(caplog: pytest.LogCaptureFixture) -> None:
    key = StorageKey(bot_id=42, chat_id=ADA, user_id=ADA)
    async with redis_storage() as (_, isolation):
        async with isolation.lock(key):
            await isolation.redis.flushdb()
        assert "was not given back" in caplog.text
        with pytest.raises(ZeroDivisionError):
            await _fail(isolation, key)


async def test_a_redis_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PORT", "1")
    async with FakeTelegram() as telegram, bot(telegram):
        await telegram.say(ADA, "/help")
        assert "it is our mistake" in await telegram.answer(ADA)

"""Conversations with the bot in a real Redis: they outlive the bot, and replicas share them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from aiogram.fsm.storage.base import StorageKey
from pydantic import SecretStr

from business_bot.main import make_dispatcher
from business_bot.orders.router import make_router
from business_bot.polling import poll
from business_bot.settings import BotSettings
from business_bot.storage import Isolation, redis_storage
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from contracts.money import Money
from contracts.orders import Order, OrderPage, OrderQuery, OrderStatus
from tests.redis_server import redis_server

ADA = 1001
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class OneOrder:
    """The shop has one order."""

    def __init__(self) -> None:
        self.order = Order(
            id=UUID(int=1),
            customer_id="customer-1",
            status=OrderStatus.PLACED,
            total=Money(amount=Decimal("9.00"), currency="EUR"),
            version=1,
            created_at=AT,
            updated_at=AT,
            lines=(),
        )

    async def list(self, _: OrderQuery) -> OrderPage:
        return OrderPage(items=(self.order,), next_cursor=None)

    async def get(self, _: UUID) -> Order:
        return self.order

    async def cancel(self, _: UUID) -> Order:
        self.order = self.order.model_copy(update={"status": OrderStatus.CANCELLED})
        return self.order


@pytest.fixture(scope="module", autouse=True)
def redis() -> Iterator[None]:
    with redis_server() as container, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_HOST", container.get_container_host_ip())
        patch.setenv("REDIS_PORT", str(container.get_exposed_port(6379)))
        patch.setenv("REDIS_PASSWORD", "test")
        yield


@asynccontextmanager
async def bot(telegram: FakeTelegram, shop: OneOrder) -> AsyncIterator[None]:
    given = {"token": SecretStr(TOKEN), "users": [ADA], "api_url": telegram.url}
    settings, stop = BotSettings.model_validate(given), asyncio.Event()
    async with make_bot(settings) as client, redis_storage() as (storage, isolation):
        dispatcher = make_dispatcher([make_router(shop)], settings, storage, isolation)
        polling = asyncio.create_task(poll(stop, client, dispatcher))
        try:
            yield
        finally:
            stop.set()
            await polling


async def test_a_conversation_goes_on_with_another_bot() -> None:
    shop = OneOrder()
    async with FakeTelegram() as telegram:
        async with bot(telegram, shop):
            await telegram.say(ADA, "/cancel")
            assert "Which order?" in await telegram.answer(ADA)
        async with bot(telegram, shop):
            await telegram.say(ADA, str(UUID(int=1)))
            assert "Is it to be cancelled?" in await telegram.answer(ADA, 2)
        async with bot(telegram, shop):
            await telegram.press(ADA, "Yes, cancel it")
            assert await telegram.answer(ADA, 3) == f"Order {UUID(int=1)} is cancelled."


async def test_an_update_that_is_delivered_again_is_answered_once() -> None:
    async with FakeTelegram() as telegram:
        async with bot(telegram, OneOrder()):
            await telegram.say(ADA, "/orders")
            await telegram.answer(ADA)
        # A new process knows no offset, so it gets what Telegram believes to be unanswered.
        await telegram.repeat()
        async with bot(telegram, OneOrder()):
            await telegram.say(ADA, "/cancel")
            assert "Which order?" in await telegram.answer(ADA, 2)
        assert len(telegram.to(ADA)) == 2


async def test_what_was_remembered_is_forgotten_after_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("business_bot.storage.FORGET_SECONDS", 1)
    async with FakeTelegram() as telegram, bot(telegram, OneOrder()):
        await telegram.say(ADA, "/cancel")
        await telegram.answer(ADA)
        await asyncio.sleep(1.5)
        await telegram.say(ADA, str(UUID(int=1)))
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
    async with FakeTelegram() as telegram, bot(telegram, OneOrder()):
        await telegram.say(ADA, "/orders")
        assert "it is our mistake" in await telegram.answer(ADA)

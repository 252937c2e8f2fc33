"""Notices: each person is told once, later if Telegram is away, and nobody holds up the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import SecretStr

from business_bot.notices.handler import Notices
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from chassis.errors import Unavailable
from contracts.money import Money, Price
from contracts.order_events import OrderPlaced, OrderState
from contracts.orders import OrderLine, OrderStatus

ADA, BOB = 1001, 1002


def placed() -> OrderPlaced:
    price = Price(amount=Decimal("4.50"), currency="EUR")
    state = OrderState(
        id=UUID(int=1),
        customer_id="customer-1",
        status=OrderStatus.PLACED,
        lines=(OrderLine(sku="TEA-250", quantity=2, unit_price=price),),
        total=Money(amount=Decimal("9.00"), currency="EUR"),
        version=1,
        created_at=datetime.now(UTC),
    )
    return OrderPlaced(order=state)


@asynccontextmanager
async def notices() -> AsyncIterator[tuple[FakeTelegram, Notices]]:
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            yield telegram, Notices(bot, frozenset({ADA, BOB}))


async def test_everybody_is_told_once() -> None:
    async with notices() as (telegram, tell):
        event = placed()
        await tell(event)
        await tell(event)
        said = "Order placed: 9.00 EUR, by customer-1"
        assert [(each.chat, each.text) for each in telegram.said] == [(ADA, said), (BOB, said)]
        assert telegram.said[0].buttons == {"Show it": f"show:{UUID(int=1).hex}"}


async def test_copies_side_by_side_are_told_once() -> None:
    async with notices() as (telegram, tell):
        event = placed()
        await asyncio.gather(tell(event), tell(event))
        assert [each.chat for each in telegram.said] == [ADA, BOB]


async def test_who_has_blocked_the_bot_does_not_keep_others_from_hearing() -> None:
    async with notices() as (telegram, tell):
        telegram.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
        await tell(placed())
        assert [each.chat for each in telegram.said] == [BOB]


async def test_a_telegram_that_wants_to_be_left_alone_is() -> None:
    async with notices() as (telegram, tell):
        telegram.fail("sendMessage", 429, "Too Many Requests: retry after 1")
        for _ in range(2):
            with pytest.raises(Unavailable, match="Telegram"):
                await tell(placed())
        assert telegram.calls.count("sendMessage") == 1
        await asyncio.sleep(1)
        await tell(placed())
        assert [each.chat for each in telegram.said] == [ADA, BOB]


async def test_who_could_not_be_told_is_told_later_and_nobody_twice() -> None:
    async with notices() as (telegram, tell):
        event = placed()
        telegram.fail("sendMessage", 500, "Internal Server Error")
        with pytest.raises(Unavailable, match="Telegram did not take a notice"):
            await tell(event)
        assert [each.chat for each in telegram.said] == [BOB]
        await tell(event)
        assert [each.chat for each in telegram.said] == [BOB, ADA]

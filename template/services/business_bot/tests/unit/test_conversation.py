"""What people say about orders and what the bot answers, through a server of the Bot API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from aiogram.fsm.storage.memory import MemoryStorage, SimpleEventIsolation
from pydantic import SecretStr

from business_bot.main import make_dispatcher
from business_bot.orders.router import make_router
from business_bot.polling import poll
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from chassis.errors import Conflict, NotFound
from contracts.money import Money, Price
from contracts.orders import Order, OrderLine, OrderPage, OrderQuery, OrderStatus

ADA = 1001
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PRICE = Price(amount=Decimal("4.50"), currency="EUR")


def order(number: int, status: OrderStatus = OrderStatus.PLACED, lines: int = 1) -> Order:
    return Order(
        id=UUID(int=number),
        customer_id="customer-1",
        status=status,
        total=Money(amount=Decimal("9.00"), currency="EUR"),
        version=1,
        created_at=AT,
        updated_at=AT,
        lines=(OrderLine(sku="TEA-250", quantity=2, unit_price=PRICE),) * lines,
    )


@dataclass
class Shop:
    """Orders in memory, a page of them at a time."""

    orders: dict[UUID, Order] = field(default_factory=dict)

    def put(self, *orders: Order) -> None:
        self.orders |= {each.id: each for each in orders}

    async def list(self, query: OrderQuery) -> OrderPage:
        begin = int(query.cursor or 0)
        end = begin + query.limit
        found = list(self.orders.values())
        return OrderPage(
            items=tuple(found[begin:end]), next_cursor=str(end) if end < len(found) else None
        )

    async def get(self, order_id: UUID) -> Order:
        if order_id not in self.orders:
            raise NotFound(f"There is no order {order_id}.")
        return self.orders[order_id]

    async def cancel(self, order_id: UUID) -> Order:
        found = await self.get(order_id)
        if found.status is OrderStatus.SHIPPED:
            raise Conflict("An order that is shipped cannot be cancelled.")
        self.orders[order_id] = found.model_copy(update={"status": OrderStatus.CANCELLED})
        return self.orders[order_id]


@dataclass
class Running:
    """The bot, and what it talks to."""

    telegram: FakeTelegram
    shop: Shop


@asynccontextmanager
async def bot() -> AsyncIterator[Running]:
    shop, stop = Shop(), asyncio.Event()
    async with FakeTelegram() as telegram:
        settings = BotSettings.model_validate(
            {"token": SecretStr(TOKEN), "users": [ADA], "api_url": telegram.url}
        )
        memory, isolation = MemoryStorage(), SimpleEventIsolation()
        dispatcher = make_dispatcher([make_router(shop)], settings, memory, isolation)

        async def serve() -> None:
            async with make_bot(settings) as client:
                await poll(stop, client, dispatcher)

        ended = asyncio.create_task(serve())
        try:
            yield Running(telegram, shop)
        finally:
            stop.set()
            await ended


async def test_orders_are_listed_a_page_at_a_time_and_shown() -> None:
    async with bot() as running:
        running.shop.put(*(order(number) for number in range(1, 12)))
        await running.telegram.say(ADA, "/orders")
        assert await running.telegram.answer(ADA) == "The newest orders:"
        assert list(running.telegram.said[0].buttons)[-1] == "More"
        await running.telegram.press(ADA, "More")
        assert await running.telegram.answer(ADA, 2) == "Older orders:"
        assert len(running.telegram.said[1].buttons) == 1  # the same words, so one of three
        await running.telegram.press(ADA, "01 Mar 09:30 · 9.00 EUR · placed")
        shown = await running.telegram.answer(ADA, 3)
        assert f"Order {UUID(int=11)}" in shown
        assert "2 x TEA-250 at 4.50" in shown
        assert "placed 2026-03-01 09:30 UTC by customer-1" in shown


async def test_an_order_is_cancelled_after_a_question() -> None:
    async with bot() as running:
        running.shop.put(order(1), order(2, OrderStatus.SHIPPED))
        await running.telegram.say(ADA, "/cancel")
        assert "Which order?" in await running.telegram.answer(ADA)
        assert len(running.telegram.said[0].buttons) == 1
        await running.telegram.say(ADA, str(UUID(int=1)))
        assert "Is it to be cancelled?" in await running.telegram.answer(ADA, 2)
        assert running.shop.orders[UUID(int=1)].status is OrderStatus.PLACED
        await running.telegram.press(ADA, "Yes, cancel it")
        said = await running.telegram.answer(ADA, 3)
        assert said == f"Order {UUID(int=1)} is cancelled."
        assert running.shop.orders[UUID(int=1)].status is OrderStatus.CANCELLED
        # The button is still there; the question is not.
        await running.telegram.press(ADA, "Yes, cancel it")
        assert await running.telegram.answer(ADA, 4) == "That question is over."


async def test_a_question_can_be_answered_with_no_and_be_left() -> None:
    async with bot() as running:
        running.shop.put(order(1))
        await running.telegram.say(ADA, f"/cancel {UUID(int=1)}")
        await running.telegram.answer(ADA)
        await running.telegram.press(ADA, "No")
        assert await running.telegram.answer(ADA, 2) == "The order stays as it is."
        await running.telegram.say(ADA, "/cancel")
        await running.telegram.answer(ADA, 3)
        await running.telegram.say(ADA, "/stop")
        assert "Nothing was changed" in await running.telegram.answer(ADA, 4)
        await running.telegram.say(ADA, str(UUID(int=1)))
        assert "I do not know that" in await running.telegram.answer(ADA, 5)
        assert running.shop.orders[UUID(int=1)].status is OrderStatus.PLACED


async def test_what_makes_no_sense_is_said() -> None:
    async with bot() as running:
        running.shop.put(order(2, OrderStatus.SHIPPED))
        sentences = {
            "/order 12": "This is no number of an order",
            "/order": "Which one?",
            f"/order {UUID(int=9)}": "There is no order",
            f"/cancel {UUID(int=2)}": "is shipped: it cannot be cancelled",
            "/help": "/orders: List the newest orders",
            "/orders@app_bot": "The newest orders:",
            "/oders": "I do not know that",
        }
        for number, (said, answer) in enumerate(sentences.items(), 1):
            await running.telegram.say(ADA, said)
            assert answer in await running.telegram.answer(ADA, number)
        await running.telegram.send(ADA, "show:no-number")
        assert "earlier version" in await running.telegram.answer(ADA, len(sentences) + 1)


async def test_a_long_order_fits_into_a_message() -> None:
    async with bot() as running:
        running.shop.put(order(1, lines=100))
        await running.telegram.say(ADA, f"/order {UUID(int=1)}")
        assert "and 70 lines more" in await running.telegram.answer(ADA)

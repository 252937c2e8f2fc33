"""What people say to the bot and what it answers, through a server of the Bot API."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from aiogram.exceptions import TelegramServerError
from aiogram.fsm.storage.memory import MemoryStorage, SimpleEventIsolation
from pydantic import SecretStr

from business_bot.main import make_dispatcher
from business_bot.orders.router import make_router
from business_bot.polling import poll
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot, until_it_answers
from business_bot.testing import TOKEN, FakeTelegram
from chassis.errors import Conflict, NotFound, Unavailable
from contracts.money import Money, Price
from contracts.orders import Order, OrderLine, OrderPage, OrderQuery, OrderStatus

ADA, EVE = 1001, 666
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
    error: Exception | None = None
    slow: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, *orders: Order) -> None:
        self.orders |= {each.id: each for each in orders}

    async def list(self, query: OrderQuery) -> OrderPage:
        if self.error is not None:
            raise self.error
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
        self.begun.set()
        if self.slow is not None:
            await self.slow.wait()
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
    stop: asyncio.Event
    ended: asyncio.Task[None]


@asynccontextmanager
async def bot(**given: int) -> AsyncIterator[Running]:
    shop, stop = Shop(), asyncio.Event()
    async with FakeTelegram() as telegram:
        settings = BotSettings.model_validate(
            {"token": SecretStr(TOKEN), "users": [ADA], "api_url": telegram.url, **given}
        )
        memory, isolation = MemoryStorage(), SimpleEventIsolation()
        dispatcher = make_dispatcher([make_router(shop)], settings, memory, isolation)

        async def serve() -> None:
            async with make_bot(settings) as client:
                await poll(stop, client, dispatcher)

        ended = asyncio.create_task(serve())
        try:
            yield Running(telegram, shop, stop, ended)
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
            "/orders@shop_bot": "The newest orders:",
            "/oders": "I do not know that",
        }
        for number, (said, answer) in enumerate(sentences.items(), 1):
            await running.telegram.say(ADA, said)
            assert answer in await running.telegram.answer(ADA, number)
        await running.telegram.send(ADA, "show:no-number")
        assert "earlier version" in await running.telegram.answer(ADA, len(sentences) + 1)


async def test_whoever_is_not_named_learns_nothing() -> None:
    async with bot() as running:
        running.shop.put(order(1))
        await running.telegram.say(EVE, "/orders")
        assert "Your number is 666" in await running.telegram.answer(EVE)
        await running.telegram.send(EVE, f"show:{UUID(int=1)}")
        assert "You may not use this bot" in await running.telegram.answer(EVE, 2)
        # In a group everybody would read it.
        await running.telegram.say(ADA, "/orders", chat="group")
        await running.telegram.say(ADA, "/help")
        await running.telegram.answer(ADA)
        assert {said.chat for said in running.telegram.said} == {ADA, EVE}


async def test_who_is_too_quick_is_told_once() -> None:
    async with bot(actions_per_minute=2) as running:
        for _ in range(5):
            await running.telegram.say(ADA, "/help")
        await running.telegram.answer(ADA, 3)
        await running.telegram.say(EVE, "/help")
        await running.telegram.answer(EVE)
        said = [each.text.partition(":")[0] for each in running.telegram.to(ADA)]
        assert sorted(said) == sorted(["/orders", "/orders", "Slower, please"])


async def test_what_does_not_work_is_said_and_the_next_thing_works() -> None:
    async with bot() as running:
        running.shop.error = Unavailable("The data service cannot be reached.")
        await running.telegram.say(ADA, "/orders")
        assert await running.telegram.answer(ADA) == "The data service cannot be reached."
        running.shop.error = KeyError("a secret of ours")
        await running.telegram.say(ADA, "/orders")
        assert await running.telegram.answer(ADA, 2) == (
            "That did not work, and it is our mistake. It was noted."
        )
        running.shop.error = None
        await running.telegram.say(ADA, "/orders")
        assert await running.telegram.answer(ADA, 3) == "There are no orders yet."


async def test_telegram_may_be_away_for_a_while() -> None:
    async with bot() as running:
        running.telegram.fail("getUpdates", 502, "Bad Gateway")
        running.telegram.fail("sendMessage", 500, "Internal Server Error")
        await running.telegram.say(ADA, "/help")
        await running.telegram.until(lambda: "sendMessage" in running.telegram.calls)
        await running.telegram.say(ADA, "/help")
        assert "/orders" in await running.telegram.answer(ADA)


async def test_a_telegram_of_tests_that_starts_again_is_heard() -> None:
    async with bot() as running:
        for number in range(1, 4):
            await running.telegram.say(ADA, "/help")
            await running.telegram.answer(ADA, number)
        await running.telegram.__aexit__(None, None, None)
        async with FakeTelegram(int(running.telegram.url.rpartition(":")[2])) as again:
            await again.say(ADA, "/help")
            assert "/orders" in await again.answer(ADA)


async def test_who_has_blocked_the_bot_meanwhile_is_no_mistake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bot() as running:
        running.telegram.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
        await running.telegram.say(ADA, "/help")
        await running.telegram.say(ADA, "/help")
        await running.telegram.answer(ADA)
    assert "did not take the answer" in caplog.text
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_what_was_begun_is_finished_before_the_end() -> None:
    async with bot() as running:
        running.shop.slow = asyncio.Event()
        running.shop.put(order(1))
        await running.telegram.say(ADA, f"/cancel {UUID(int=1)}")
        await running.telegram.answer(ADA)
        await running.telegram.press(ADA, "Yes, cancel it")
        await asyncio.wait_for(running.shop.begun.wait(), 5)
        running.stop.set()
        await asyncio.sleep(0.2)
        assert not running.ended.done()
        running.shop.slow.set()
        await running.ended
        assert running.telegram.to(ADA)[-1].text.endswith("is cancelled.")


async def test_a_long_order_fits_into_a_message() -> None:
    async with bot() as running:
        running.shop.put(order(1, lines=100))
        await running.telegram.say(ADA, f"/order {UUID(int=1)}")
        assert "and 70 lines more" in await running.telegram.answer(ADA)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "Bad Request: query is too old and response timeout expired"),
        (502, "Bad Gateway"),
    ],
)
async def test_a_button_that_telegram_does_not_take_back_is_answered_all_the_same(
    status: int, said: str
) -> None:
    async with bot() as running:
        running.shop.put(order(1))
        await running.telegram.say(ADA, f"/cancel {UUID(int=1)}")
        await running.telegram.answer(ADA)
        running.telegram.fail("answerCallbackQuery", status, said)
        await running.telegram.press(ADA, "Yes, cancel it")
        assert (await running.telegram.answer(ADA, 2)).endswith("is cancelled.")


async def test_what_one_person_says_is_answered_in_its_order() -> None:
    async with bot() as running:
        running.shop.put(order(1))
        for said in ("/cancel", str(UUID(int=1))) * 3:
            await running.telegram.say(ADA, said)
        await running.telegram.answer(ADA, 6)
        begins = [said.text[:5] for said in running.telegram.to(ADA)]
        assert begins == ["Which", "Order"] * 3


async def test_errors_do_not_name_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async def no_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is no HTTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(no_http, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    stop = asyncio.Event()
    given = {"token": SecretStr(TOKEN), "api_url": url}
    async with server, make_bot(BotSettings.model_validate(given)) as client:
        waiting = asyncio.create_task(until_it_answers(stop, client, [], client.delete_webhook))
        await asyncio.sleep(0.5)
        stop.set()
        assert not await waiting
    assert "waiting for Telegram" in caplog.text
    assert TOKEN not in caplog.text


async def test_an_answer_that_is_none_is_waited_out() -> None:
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": f"{telegram.url}/elsewhere"}
        async with make_bot(BotSettings.model_validate(given)) as client:
            with pytest.raises(TelegramServerError, match="no answer of the Bot API"):
                await client.get_me()

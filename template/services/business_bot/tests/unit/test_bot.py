"""What the bot does whatever people talk about with it, through a server of the Bot API."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiogram.exceptions import TelegramServerError
from aiogram.fsm.storage.memory import MemoryStorage, SimpleEventIsolation
from pydantic import SecretStr

from business_bot.main import make_dispatcher
from business_bot.polling import poll
from business_bot.settings import NAME, BotSettings
from business_bot.telegram import make_bot, until_it_answers
from business_bot.testing import TOKEN, FakeTelegram
from business_bot.testing_talk import HELP, Talk
from chassis.errors import Unavailable
from chassis.modules import find_modules

ADA, EVE = 1001, 666
HOOKS = {"prepare", "people", "middleware", "update_middleware", "call_middleware", "make_storage",
         "receive", "background"}  # fmt: skip


@dataclass
class Running:
    """The bot, and what it talks to."""

    telegram: FakeTelegram
    talk: Talk
    stop: asyncio.Event
    ended: asyncio.Task[None]


@asynccontextmanager
async def bot(**given: int) -> AsyncIterator[Running]:
    talk, stop = Talk(), asyncio.Event()
    async with FakeTelegram() as telegram:
        settings = BotSettings.model_validate(
            {"token": SecretStr(TOKEN), "users": [ADA], "api_url": telegram.url, **given}
        )
        memory, isolation = MemoryStorage(), SimpleEventIsolation()
        dispatcher = make_dispatcher([talk.router()], settings, memory, isolation)

        async def serve() -> None:
            async with make_bot(settings) as client:
                await poll(stop, client, dispatcher)

        ended = asyncio.create_task(serve())
        try:
            yield Running(telegram, talk, stop, ended)
        finally:
            stop.set()
            await ended


async def ask_to_water(running: Running) -> None:
    await running.telegram.say(ADA, "/water")
    await running.telegram.say(ADA, "fern")
    assert await running.telegram.answer(ADA, 2) == "Water the fern?"


async def test_a_conversation_goes_its_way() -> None:
    async with bot() as running:
        await ask_to_water(running)
        await running.telegram.press(ADA, "Yes")
        assert await running.telegram.answer(ADA, 3) == "The fern is wet."
        assert running.talk.watered == ["fern"]
        await running.telegram.say(ADA, "fern")
        assert "I do not know that" in await running.telegram.answer(ADA, 4)


async def test_whoever_is_not_named_learns_nothing() -> None:
    async with bot() as running:
        await running.telegram.say(EVE, "/help")
        assert "Your number is 666" in await running.telegram.answer(EVE)
        await running.telegram.send(EVE, "water:fern")
        assert "You may not use this bot" in await running.telegram.answer(EVE, 2)
        # In a group everybody would read it.
        await running.telegram.say(ADA, "/water", chat="group")
        await running.telegram.say(ADA, "/help")
        await running.telegram.answer(ADA)
        assert {said.chat for said in running.telegram.said} == {ADA, EVE}
        assert running.talk.watered == []


async def test_who_is_too_quick_is_told_once() -> None:
    async with bot(actions_per_minute=2) as running:
        for _ in range(5):
            await running.telegram.say(ADA, "/help")
        await running.telegram.answer(ADA, 3)
        await running.telegram.say(EVE, "/help")
        await running.telegram.answer(EVE)
        said = [each.text.partition(":")[0] for each in running.telegram.to(ADA)]
        assert sorted(said) == sorted(["/water", "/water", "Slower, please"])


async def test_what_does_not_work_is_said_and_the_next_thing_works() -> None:
    async with bot() as running:
        running.talk.error = Unavailable("The data service cannot be reached.")
        await running.telegram.say(ADA, "/help")
        assert await running.telegram.answer(ADA) == "The data service cannot be reached."
        running.talk.error = KeyError("a secret of ours")
        await running.telegram.say(ADA, "/help")
        assert await running.telegram.answer(ADA, 2) == (
            "That did not work, and it is our mistake. It was noted."
        )
        running.talk.error = None
        await running.telegram.say(ADA, "/help")
        assert await running.telegram.answer(ADA, 3) == HELP


async def test_telegram_may_be_away_for_a_while() -> None:
    async with bot() as running:
        running.telegram.fail("getUpdates", 502, "Bad Gateway")
        running.telegram.fail("sendMessage", 500, "Internal Server Error")
        await running.telegram.say(ADA, "/help")
        await running.telegram.until(lambda: "sendMessage" in running.telegram.calls)
        await running.telegram.say(ADA, "/help")
        assert await running.telegram.answer(ADA) == HELP


async def test_a_telegram_of_tests_that_starts_again_is_heard() -> None:
    async with bot() as running:
        for number in range(1, 4):
            await running.telegram.say(ADA, "/help")
            await running.telegram.answer(ADA, number)
        await running.telegram.__aexit__(None, None, None)
        async with FakeTelegram(int(running.telegram.url.rpartition(":")[2])) as again:
            await again.say(ADA, "/help")
            assert await again.answer(ADA) == HELP


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
        running.talk.slow = asyncio.Event()
        await ask_to_water(running)
        await running.telegram.press(ADA, "Yes")
        await asyncio.wait_for(running.talk.begun.wait(), 5)
        running.stop.set()
        await asyncio.sleep(0.2)
        assert not running.ended.done()
        running.talk.slow.set()
        await running.ended
        assert running.telegram.to(ADA)[-1].text == "The fern is wet."


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
        await ask_to_water(running)
        running.telegram.fail("answerCallbackQuery", status, said)
        await running.telegram.press(ADA, "Yes")
        assert await running.telegram.answer(ADA, 3) == "The fern is wet."


async def test_what_one_person_says_is_answered_in_its_order() -> None:
    async with bot() as running:
        for said in ("/water", "fern") * 3:
            await running.telegram.say(ADA, said)
        await running.telegram.answer(ADA, 6)
        begins = [said.text[:5] for said in running.telegram.to(ADA)]
        assert begins == ["Which", "Water"] * 3


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


def test_no_module_is_skipped_for_a_misspelled_name() -> None:
    for module in find_modules(NAME, "features/[a-z]*.py"):
        assert HOOKS & vars(module).keys(), module.__name__

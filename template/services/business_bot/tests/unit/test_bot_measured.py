"""What is measured of the bot."""

from typing import Any

import pytest
from aiogram.types import Chat, ErrorEvent, Message, TelegramObject, Update, User
from prometheus_client import REGISTRY
from pydantic import SecretStr

from business_bot.measured import Measured, MeasuredCalls
from business_bot.mistakes import Mistakes
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from chassis.errors import NotFound


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def message(text: str) -> Message:
    ada = User(id=1, is_bot=False, first_name="Ada")
    chat = Chat(id=1, type="private")
    return Message.model_validate(
        {"message_id": 1, "date": 1, "chat": chat, "from": ada, "text": text}
    )


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("/help", "/help"),
        ("/help@any_bot now", "/help"),
        ("hello", "text"),
        ("/x", "other"),
    ],
)
async def test_actions_are_counted_by_known_names(text: str, action: str) -> None:
    async def handle(_: TelegramObject, __: dict[str, Any]) -> None:
        return None

    labels = {"action": action, "outcome": "done"}
    before = counted("bot_actions_seconds_count", **labels)
    await Measured()(handle, message(text), {})
    assert counted("bot_actions_seconds_count", **labels) == before + 1


@pytest.mark.parametrize(
    ("error", "outcome"), [(NotFound("There is none."), "refused"), (KeyError("x"), "failed")]
)
async def test_how_an_action_ended_is_seen_through_mistakes(error: Exception, outcome: str) -> None:
    async def handle(_: TelegramObject, __: dict[str, Any]) -> None:
        raise error

    async def inner(event: TelegramObject, data: dict[str, Any]) -> object:
        return await Mistakes(frozenset())(handle, event, data)

    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            bot.session.middleware(MeasuredCalls())
            labels = {"action": "/help", "outcome": outcome}
            calls = {"method": "sendMessage", "outcome": "done"}
            before = counted("bot_actions_seconds_count", **labels)
            sent = counted("bot_telegram_calls_total", **calls)
            await Measured()(inner, message("/help").as_(bot), {})
            assert counted("bot_actions_seconds_count", **labels) == before + 1
            assert counted("bot_telegram_calls_total", **calls) == sent + 1


async def test_what_failed_before_the_action_counts_as_one_that_failed() -> None:
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            given = {"update_id": 1, "message": message("/help").model_dump(by_alias=True)}
            update = Update.model_validate(given, context={"bot": bot})
            mistake = ErrorEvent(update=update, exception=ConnectionError("Redis is away."))
            labels = {"action": "/help", "outcome": "failed"}
            before = counted("bot_actions_seconds_count", **labels)
            await Mistakes(frozenset({1})).before([Measured()])(mistake, bot=bot)
            assert counted("bot_actions_seconds_count", **labels) == before + 1
            assert "it is our mistake" in await telegram.answer(1)
            await Mistakes(frozenset({2})).before([Measured()])(mistake, bot=bot)
            assert counted("bot_actions_seconds_count", **labels) == before + 1
            assert len(telegram.to(1)) == 1

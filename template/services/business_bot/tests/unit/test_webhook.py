"""The webhook: Telegram is told where it is, and nobody else is heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiogram.types import Message
from prometheus_client import REGISTRY
from pydantic import SecretStr

from business_bot import webhook
from business_bot.begun import FinishingDispatcher
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from business_bot.webhook import PATH, WebhookSettings, listen
from chassis.settings import SettingsError, read_settings

KNOWN = "only-telegram-knows"


@asynccontextmanager
async def listening(
    monkeypatch: pytest.MonkeyPatch,
    port: int,
    url: str = "https://app.example/",
    telegram: FakeTelegram | None = None,
) -> AsyncIterator[tuple[FakeTelegram, list[str | None]]]:
    monkeypatch.setattr(webhook, "PORT", port)
    monkeypatch.setenv("BOT_WEBHOOK_URL", url)
    monkeypatch.setenv("BOT_WEBHOOK_SECRET", KNOWN)
    heard: list[str | None] = []
    dispatcher, stop = FinishingDispatcher(), asyncio.Event()

    async def hear(message: Message) -> None:
        heard.append(message.text)

    dispatcher.message.register(hear)
    async with AsyncExitStack() as stack:
        found = FakeTelegram() if telegram is None else telegram
        if telegram is None:
            await stack.enter_async_context(found)
        given = {"token": SecretStr(TOKEN), "api_url": found.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            ending = asyncio.create_task(listen(stop, bot, dispatcher))
            await found.until(lambda: found.webhook)
            try:
                yield found, heard
            finally:
                stop.set()
                await ending


async def post(port: int, secret: str | None, body: object) -> int:
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
    url = f"http://127.0.0.1:{port}{PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as answer,
    ):
        return answer.status


def update(text: str) -> dict[str, Any]:
    return {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1,
            "chat": {"id": 1001, "type": "private"},
            "from": {"id": 1001, "is_bot": False, "first_name": "Ada"},
            "text": text,
        },
    }


async def test_telegram_is_heard_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    async with listening(monkeypatch, unused_tcp_port) as (telegram, heard):
        assert telegram.webhook["url"] == f"https://app.example{PATH}"
        assert telegram.webhook["secret_token"] == KNOWN
        assert await post(unused_tcp_port, KNOWN, update("/notes")) == 200
        assert await post(unused_tcp_port, "guessed", update("/cancel")) == 401
        assert await post(unused_tcp_port, None, update("/cancel")) == 401
        assert await post(unused_tcp_port, "\u00e9", update("/cancel")) == 401
        assert await post(unused_tcp_port, KNOWN, {"text": "x" * 300_000}) == 413
        assert heard == ["/notes"]
        # Telegram is looked at now and then, and not asked for news.
        assert "getUpdates" not in telegram.calls


async def test_what_people_say_comes_by_the_webhook(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    here = f"http://127.0.0.1:{unused_tcp_port}"
    async with listening(monkeypatch, unused_tcp_port, here) as (telegram, heard):
        await telegram.say(1001, "/help")
        assert heard == ["/help"]
        assert "last_error_message" not in telegram.webhook


def test_a_webhook_without_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_WEBHOOK_URL", "https://app.example")
    monkeypatch.setenv("BOT_WEBHOOK_SECRET", "")
    with pytest.raises(SettingsError, match="BOT_WEBHOOK_SECRET is to be"):
        read_settings(WebhookSettings)
    monkeypatch.setenv("BOT_WEBHOOK_SECRET", "not allowed by Telegram")
    with pytest.raises(SettingsError, match="BOT_WEBHOOK_SECRET") as raised:
        read_settings(WebhookSettings)
    assert "not allowed" not in str(raised.value)


async def test_without_an_address_telegram_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_WEBHOOK_URL", "")
    stop = asyncio.Event()
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        dispatcher = FinishingDispatcher()
        async with make_bot(BotSettings.model_validate(given)) as bot:
            ending = asyncio.create_task(listen(stop, bot, dispatcher))
            await telegram.until(lambda: "getUpdates" in telegram.calls)
            stop.set()
            await ending
    assert telegram.webhook == {}


@pytest.mark.parametrize("other", [{}, {"url": "https://elsewhere.example"}])
async def test_a_webhook_that_somebody_has_changed_is_set_again(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int, other: dict[str, str]
) -> None:
    monkeypatch.setattr(webhook, "LOOK_SECONDS", 0.1)
    async with listening(monkeypatch, unused_tcp_port) as (telegram, _):
        telegram.fail("getWebhookInfo", 502, "Bad Gateway")
        telegram.webhook = other
        await telegram.until(lambda: "app.example" in telegram.webhook.get("url", ""))


async def test_a_webhook_that_telegram_does_not_reach_is_seen(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhook, "LOOK_SECONDS", 0.1)
    async with listening(monkeypatch, unused_tcp_port, "http://127.0.0.1:1") as (telegram, heard):
        telling = asyncio.create_task(telegram.say(1001, "/help"))
        async with asyncio.timeout(10):
            while "does not get through to us" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert REGISTRY.get_sample_value("bot_webhook_waiting") == 1
        assert heard == []
        telling.cancel()


async def test_an_address_that_telegram_refuses_is_said_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("business_bot.telegram.RETRY_SECONDS", 0.1)
    async with FakeTelegram() as telegram:
        telegram.fail("setWebhook", 400, "Bad Request: bad webhook: an HTTPS URL must be provided")
        async with listening(monkeypatch, unused_tcp_port, telegram=telegram):
            assert "an HTTPS URL must be provided" in caplog.text


async def test_what_was_said_before_the_webhook_comes_by_it(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    here = f"http://127.0.0.1:{unused_tcp_port}"
    async with FakeTelegram() as telegram:
        await telegram.say(1001, "/help")
        async with listening(monkeypatch, unused_tcp_port, here, telegram) as (_, heard):
            async with asyncio.timeout(5):
                while heard != ["/help"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

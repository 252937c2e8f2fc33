"""The breaker before Telegram, and as whom calls are made."""

from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramNetworkError, TelegramServerError
from aiogram.types import Message, TelegramObject, User
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from business_bot import traced
from business_bot.guarded import Guarded
from business_bot.roles import Roles
from business_bot.settings import BotSettings
from business_bot.telegram import make_bot
from business_bot.testing import TOKEN, FakeTelegram
from business_bot.traced import Traced, TracedCalls
from chassis.security.principal import Principal, current_principal


async def test_while_telegram_is_in_trouble_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLIENT_BREAKER_FAILURES", "2")
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            bot.session.middleware(Guarded())
            telegram.fail("sendMessage", 500, "Internal Server Error", times=2)
            for _ in range(2):
                with pytest.raises(TelegramServerError):
                    await bot.send_message(1, "hello")
            with pytest.raises(TelegramNetworkError, match="in trouble"):
                await bot.send_message(1, "hello")
            assert telegram.calls == ["sendMessage"] * 2
            # It is looked at all the same, and is there again.
            await bot.get_me()
            await bot.send_message(1, "hello")
            assert len(telegram.said) == 1


async def test_what_telegram_refuses_is_no_trouble_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLIENT_BREAKER_FAILURES", "1")
    async with FakeTelegram() as telegram:
        given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
        async with make_bot(BotSettings.model_validate(given)) as bot:
            bot.session.middleware(Guarded())
            telegram.fail("sendMessage", 400, "Bad Request: chat not found")
            with pytest.raises(TelegramBadRequest):
                await bot.send_message(1, "hello")
            await bot.send_message(1, "hello")


@pytest.mark.parametrize(
    ("user", "principal"),
    [
        (1001, Principal("telegram:1001", frozenset({"bot_user"}))),
        (1002, Principal("telegram:1002", frozenset({"bot_reader"}))),
        (666, None),
    ],
)
async def test_calls_are_those_of_who_acts(user: int, principal: Principal | None) -> None:
    seen: list[Principal | None] = []

    async def handle(_: TelegramObject, __: dict[str, Any]) -> None:
        seen.append(current_principal())

    # Somebody in both lists may do more than look.
    roles = Roles(frozenset({1001}), frozenset({1001, 1002}))
    who = User(id=user, is_bot=False, first_name="Somebody")
    await roles(handle, TelegramObject(), {"event_from_user": who})
    assert seen == [principal]


async def test_an_action_is_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(traced, "tracer", provider.get_tracer("test"))

    async def handle(_: TelegramObject, data: dict[str, Any]) -> None:
        data["outcome"] = "refused"

    message = Message.model_validate(
        {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "/help"}
    )
    await Traced()(handle, message, {})
    (span,) = spans.get_finished_spans()
    assert (span.name, span.status.description) == ("bot /help", "refused")


async def test_the_address_of_a_call_is_in_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(traced, "tracer", provider.get_tracer("test"))
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(tracer_provider=provider)
    try:
        async with FakeTelegram() as telegram:
            given = {"token": SecretStr(TOKEN), "api_url": telegram.url}
            async with make_bot(BotSettings.model_validate(given)) as bot:
                bot.session.middleware(TracedCalls())
                await bot.send_message(1, "hello")
    finally:
        instrumentor.uninstrument()
    (span,) = spans.get_finished_spans()
    assert span.name == "telegram sendMessage"
    assert TOKEN not in span.to_json()

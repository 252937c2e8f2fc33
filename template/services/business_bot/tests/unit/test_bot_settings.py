"""Settings of the bot that make no sense, and tokens that are none."""

import asyncio

import pytest

from business_bot.main import serve
from business_bot.settings import BotSettings
from chassis.settings import SettingsError, read_settings


@pytest.mark.parametrize("value", ["ada", "[0]", '["ada"]', "1001"])
def test_people_are_numbers(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("BOT_USERS", value)
    with pytest.raises(SettingsError, match=r"Check the environment \(\.env\): BOT_"):
        read_settings(BotSettings)


def test_people_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_USERS", "[1001, 1002]")
    assert read_settings(BotSettings).users == {1001, 1002}


async def test_without_a_token_it_waits_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("BOT_TOKEN", raising=False)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(stop))
    await asyncio.sleep(0.1)
    assert not serving.done()
    stop.set()
    await serving
    assert "get a token from @BotFather" in caplog.text


async def test_what_is_no_token_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "secret")
    with pytest.raises(SettingsError, match=r"BOT_TOKEN: this is no token") as raised:
        await serve(asyncio.Event())
    assert "secret" not in str(raised.value)

"""The connection to Telegram, and what is said through it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import (
    BotCommand,
    CallbackQuery,
    InlineKeyboardMarkup,
    Message,
    TelegramObject,
)
from aiogram.utils.token import TokenValidationError

from business_bot.settings import BotSettings
from chassis.process import pause
from chassis.settings import SettingsError

log = logging.getLogger(__name__)

PASSING = (TelegramNetworkError, TelegramServerError, TelegramRetryAfter)
"""What Telegram or the way to it does, and what is over after a while."""
# What one message can hold, in characters.
MAX_TEXT = 4096
CALL_SECONDS = 10
RETRY_SECONDS = 3


class Session(AiohttpSession):
    """Calls Telegram; errors do not name the address, which has the token in it."""

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        timeout: int | None = None,  # noqa: ASYNC109 - it is the base class that has it
    ) -> Any:
        """Raise `TelegramServerError` for what is no answer of the Bot API at all."""
        try:
            return await super().make_request(bot, method, timeout)
        except ClientDecodeError:
            said = "This is no answer of the Bot API."
            raise TelegramServerError(method=method, message=said) from None
        except TelegramNetworkError as error:
            said = error.message.replace(bot.token, "TOKEN")
            raise TelegramNetworkError(method=method, message=said) from None


def make_bot(settings: BotSettings) -> Bot:
    """Return the bot; raise `SettingsError` for what is no token. It connects when it is used."""
    server = TelegramAPIServer.from_base(str(settings.api_url).rstrip("/"))
    try:
        return Bot(
            settings.token.get_secret_value(), session=Session(api=server, timeout=CALL_SECONDS)
        )
    except TokenValidationError:
        raise SettingsError("Check the environment (.env): BOT_TOKEN: this is no token.") from None


async def say(
    event: TelegramObject, text: str, buttons: InlineKeyboardMarkup | None = None
) -> None:
    """Answer a message, or the press of a button, with a message."""
    text = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 2]} …"
    if isinstance(event, CallbackQuery):
        # Until then the button shows that it waits; after a while Telegram does not want to know.
        with suppress(TelegramAPIError):
            await event.answer()
        if event.message is not None:
            await event.message.answer(text, reply_markup=buttons)
    elif isinstance(event, Message):
        await event.answer(text, reply_markup=buttons)


async def until_it_answers(
    stop: asyncio.Event,
    bot: Bot,
    commands: list[BotCommand],
    prepare: Callable[[], Awaitable[object]],
) -> bool:
    """Wait for Telegram, tell it the commands, and prepare; whether that was before the end."""
    while not stop.is_set():
        try:
            me = await bot.me()
            await bot.set_my_commands(commands)
            await prepare()
        except (TelegramUnauthorizedError, TelegramNotFound):
            said = "Check the environment (.env): BOT_TOKEN: Telegram does not know it."
            raise SettingsError(said) from None
        except TelegramBadRequest as error:
            log.error("Telegram refuses what the bot tells it at its start: %s", error.message)
            await pause(stop, RETRY_SECONDS)
        except PASSING as error:
            log.warning("waiting for Telegram: %s", error)
            await pause(stop, RETRY_SECONDS)
        else:
            log.info("listening as @%s", me.username)
            return True
    return False

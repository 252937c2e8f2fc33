"""Hears from Telegram itself what people say: it calls this process, through the gateway."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Self

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from pydantic import AnyHttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from business_bot.begun import FinishingDispatcher
from business_bot.conversations import COMMANDS
from business_bot.measured import WAITING
from business_bot.polling import poll
from business_bot.reached import Reached
from business_bot.telegram import until_it_answers
from business_bot.waiting import wait_until
from chassis.settings import read_settings

log = logging.getLogger(__name__)

PATH = "/telegram/webhook"
PORT = 8002
MAX_BODY = 200_000
LOOK_SECONDS = 20
# What Telegram takes for a secret token.
ALLOWED = re.compile(r"[A-Za-z0-9_-]{1,256}")
FINISH_SECONDS = 20


class WebhookSettings(BaseSettings):
    """Where Telegram reaches the gateway, and by what it shows that it is Telegram.

    Without `url` Telegram is asked instead, so that a bot works behind any router.
    """

    model_config = SettingsConfigDict(env_prefix="BOT_WEBHOOK_", env_ignore_empty=True)

    url: AnyHttpUrl | None = None
    secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _is_secret(self) -> Self:
        if self.url is not None and not ALLOWED.fullmatch(self.secret.get_secret_value()):
            raise ValueError("BOT_WEBHOOK_SECRET is to be 1 to 256 letters, digits, _ and -")
        return self


class Webhook(SimpleRequestHandler):
    """Answers Telegram, and nobody else."""

    def verify_secret(self, telegram_secret_token: str, bot: Bot) -> bool:
        """Compare bytes: whoever guesses may send what is no text."""
        given = telegram_secret_token.encode(errors="surrogateescape")
        return secrets.compare_digest(given, str(self.secret_token).encode())


async def listen(stop: asyncio.Event, bot: Bot, dispatcher: FinishingDispatcher) -> None:
    """Take what people say until `stop` is set."""
    settings = read_settings(WebhookSettings)
    if settings.url is None:
        log.info("BOT_WEBHOOK_URL is empty, so Telegram is asked")
        await poll(stop, bot, dispatcher)
        return
    reached, secret = Reached(), settings.secret.get_secret_value()
    bot.session.middleware(reached)
    url = str(settings.url).rstrip("/") + PATH
    tell = partial(
        bot.set_webhook,
        url,
        secret_token=secret,
        allowed_updates=dispatcher.resolve_used_update_types(),
    )
    # Telegram gives again what is not answered, so it is answered when it is done.
    handler = Webhook(dispatcher, bot, handle_in_background=False, secret_token=secret)
    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_post(PATH, handler.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=PORT).start()
        if not await until_it_answers(stop, bot, COMMANDS, tell):
            return
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(_look(bot, url, tell))
            await wait_until(stop, reached.is_there)
            looking.cancel()
    finally:
        await runner.cleanup()


async def _look(bot: Bot, url: str, tell: Callable[[], Awaitable[object]]) -> None:
    """Look now and then whether Telegram is there, still knows where we are, and gets through."""
    said: object = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            info = await bot.get_webhook_info()
            WAITING.set(info.pending_update_count)
            if info.url != url:
                log.warning("somebody has changed the webhook, so it is set again")
                await tell()
            elif info.last_error_date is not None and info.last_error_date != said:
                said = info.last_error_date
                log.warning("Telegram does not get through to us: %s", info.last_error_message)
        except TelegramAPIError as error:
            log.warning("Telegram is away: %s", error)

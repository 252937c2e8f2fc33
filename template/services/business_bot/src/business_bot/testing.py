"""A server of the Bot API for tests: what people say is put in, what the bot says comes out.

It speaks HTTP as Telegram does, so that the bot is tested with its client, in a process of its own.
`python -m business_bot.testing 127.0.0.1` runs it by itself: POST /people/1001/say and
/people/1001/press take a text, GET /people/1001/said tells what the bot has said to somebody.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

ATTEMPTS = 30
BOT = {"id": 42, "is_bot": True, "first_name": "App", "username": "app_bot"}
TOKEN = f"{BOT['id']}:of-tests"


@dataclass
class Said:
    """A message of the bot."""

    chat: int
    text: str
    buttons: Mapping[str, str] = field(default_factory=dict)
    """What each button sends when it is pressed."""


class FakeTelegram:
    """Use it as an async context manager; `url` is what BOT_API_URL has to be meanwhile."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.said: list[Said] = []
        self.calls: list[str] = []
        self.webhook: dict[str, str] = {}
        self._host = host
        self._port = port
        self._failures: dict[str, list[tuple[int, str]]] = {}
        self._updates: list[dict[str, Any]] = []
        self._last: dict[str, Any] = {}
        self._undelivered = 0
        self._deliveries: set[asyncio.Task[None]] = set()
        # After those of the one before, if it is started again: bots ask for what is newer.
        self._last_id = time.time_ns() // 1_000_000
        self._changed = asyncio.Condition()
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._answer)
        app.router.add_post("/people/{user}/say", self._say)
        app.router.add_post("/people/{user}/press", self._press)
        app.router.add_get("/people/{user}/said", self._said)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        for delivery in self._deliveries:
            delivery.cancel()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    async def say(self, user: int, text: str, *, chat: str = "private") -> None:
        """Let somebody send a message."""
        message = self._message(user, text, chat) | {"from": _person(user)}
        await self._tell({"message": message})

    async def press(self, user: int, button: str) -> None:
        """Let somebody press a button of the newest message that has it."""
        data = next(said.buttons[button] for said in reversed(self.said) if button in said.buttons)
        await self.send(user, data)

    async def send(self, user: int, data: str) -> None:
        """Let a button of somebody send `data`."""
        query = {
            "id": str(self._last_id),
            "from": _person(user),
            "chat_instance": "1",
            "message": self._message(user, "", "private") | {"from": BOT},
            "data": data,
        }
        await self._tell({"callback_query": query})

    async def repeat(self) -> None:
        """Deliver the last update once more, as Telegram does when it saw no confirmation."""
        async with self._changed:
            self._updates.append(self._last)
            self._changed.notify_all()

    def fail(self, method: str, status: int, description: str, times: int = 1) -> None:
        """Let the next calls of `method` fail."""
        self._failures.setdefault(method, []).extend([(status, description)] * times)

    async def until(self, check: Callable[[], object], seconds: float = 10) -> None:
        """Wait until `check` holds; it is asked again after every call."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(check)

    async def answer(self, user: int, number: int = 1, seconds: float = 10) -> str:
        """Return the bot's message number `number` to somebody, once it is there."""
        await self.until(lambda: len(self.to(user)) >= number, seconds)
        return self.to(user)[number - 1].text

    def to(self, user: int) -> list[Said]:
        """Return what the bot has said to somebody."""
        return [said for said in self.said if said.chat == user]

    def _message(self, user: int, text: str, chat: str) -> dict[str, Any]:
        self._last_id += 1
        return {
            "message_id": self._last_id,
            "date": int(time.time()),
            "chat": {"id": user if chat == "private" else -user, "type": chat},
            "text": text,
            "entities": _entities(text),
        }

    async def _tell(self, update: dict[str, Any]) -> None:
        async with self._changed:
            self._last_id += 1
            self._last = update = {"update_id": self._last_id, **update}
            if not self.webhook:
                self._updates.append(update)
            self._changed.notify_all()
        if self.webhook:
            await self._deliver(update)

    async def _deliver_all(self, updates: Sequence[dict[str, Any]]) -> None:
        for update in updates:
            await self._deliver(update)

    async def _deliver(self, update: dict[str, Any]) -> None:
        """Send an update to where the bot wants it, again and again until it is taken."""
        self._undelivered += 1
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
        async with aiohttp.ClientSession() as session:
            for _ in range(ATTEMPTS):
                try:
                    # The certificate of a test is nobody's.
                    async with session.post(
                        self.webhook["url"], json=update, headers=headers, ssl=False
                    ) as answer:
                        if answer.ok:
                            self._undelivered -= 1
                            return
                        self.webhook["last_error_message"] = f"Wrong response: {answer.status}"
                except aiohttp.ClientError as error:
                    self.webhook["last_error_message"] = str(error)
                await asyncio.sleep(1)

    async def _say(self, request: web.Request) -> web.Response:
        await self.say(int(request.match_info["user"]), await request.text())
        return web.Response()

    async def _press(self, request: web.Request) -> web.Response:
        button = await request.text()
        if not any(button in said.buttons for said in self.said):
            return web.Response(status=404)
        await self.press(int(request.match_info["user"]), button)
        return web.Response()

    async def _said(self, request: web.Request) -> web.Response:
        said = self.to(int(request.match_info["user"]))
        return web.json_response([{"text": each.text, "buttons": each.buttons} for each in said])

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = dict(await request.post())
        async with self._changed:
            self.calls.append(method)
            self._changed.notify_all()
        if request.match_info["token"] != TOKEN:
            return _failed(401, "Unauthorized")
        if failures := self._failures.get(method):
            return _failed(*failures.pop(0))
        answer = getattr(self, f"_{method}", None)
        if answer is None:
            return _failed(404, "Not Found")
        return web.json_response({"ok": True, "result": await answer(given)})

    async def _getMe(self, _: Mapping[str, Any]) -> object:  # noqa: N802 - Telegram's name
        return BOT

    async def _setMyCommands(self, _: Mapping[str, Any]) -> object:  # noqa: N802
        return True

    async def _deleteWebhook(self, _: Mapping[str, Any]) -> object:  # noqa: N802
        self.webhook = {}
        return True

    async def _setWebhook(self, given: Mapping[str, Any]) -> object:  # noqa: N802
        self.webhook = {key: str(value) for key, value in given.items()}
        # What was said before goes there too.
        waiting, self._updates = self._updates, []
        delivery = asyncio.create_task(self._deliver_all(waiting))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)
        return True

    async def _getWebhookInfo(self, _: Mapping[str, Any]) -> object:  # noqa: N802
        pending = self._undelivered + len(self._updates)
        info: dict[str, Any] = {"has_custom_certificate": False, "pending_update_count": pending}
        if error := self.webhook.get("last_error_message"):
            info |= {"last_error_message": error, "last_error_date": int(time.time())}
        return {"url": self.webhook.get("url", ""), **info}

    async def _answerCallbackQuery(self, _: Mapping[str, Any]) -> object:  # noqa: N802
        return True

    async def _getUpdates(self, given: Mapping[str, Any]) -> object:  # noqa: N802
        # The offset confirms every update before it, as soon as the call arrives.
        offset = int(given.get("offset") or 0)
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        try:
            async with asyncio.timeout(float(given.get("timeout") or 0)), self._changed:
                await self._changed.wait_for(lambda: self._updates or self._stopping.is_set())
        except TimeoutError:
            pass
        return self._updates

    async def _sendMessage(self, given: Mapping[str, Any]) -> object:  # noqa: N802
        keyboard = json.loads(str(given.get("reply_markup") or "{}")).get("inline_keyboard", [])
        buttons = {each["text"]: each["callback_data"] for row in keyboard for each in row}
        said = Said(int(given["chat_id"]), str(given["text"]), buttons)
        async with self._changed:
            self.said.append(said)
            self._changed.notify_all()
        return self._message(said.chat, said.text, "private") | {"from": BOT}


def _person(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": f"Person {user}"}


def _entities(text: str) -> list[dict[str, Any]]:
    """Return what Telegram says of a text: that it begins with a command."""
    if not text.startswith("/"):
        return []
    return [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]


def _failed(status: int, description: str) -> web.Response:
    failure: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        failure["parameters"] = {"retry_after": 1}
    return web.json_response(failure, status=status)


async def _serve() -> None:
    # Where it is reached from: in a container by the others, so "0.0.0.0".
    async with FakeTelegram(8081, *sys.argv[1:2]):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())

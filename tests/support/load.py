"""Clients that go on asking while something happens to a system, and remember every answer."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp

LINE = {"sku": "TEA", "quantity": 1, "unit_price": {"amount": "4.50", "currency": "EUR"}}
KEEPING = 3  # clients that keep their connection, beside as many that open one for each request
# Some ten requests a second: enough to meet every moment of a roll-out, and little enough to leave
# the machine to it.
PAUSE = 0.5


@dataclass
class Load:
    """What was asked and how it was answered: a status, or the kind of error."""

    url: str
    token: str
    context: ssl.SSLContext
    answers: Counter[str] = field(default_factory=Counter)
    placed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def requests(self) -> int:
        return self.answers.total()

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> None:
        orders = f"{self.url}/api/v1/orders"
        write = number % 4 == 0
        body = {"lines": [LINE]} if write else None
        path = orders if write else f"{orders}?limit=5"
        try:
            async with session.request("POST" if write else "GET", path, json=body) as answer:
                content = await answer.json()
                kind = f"{answer.status}"
                if write and answer.status == 201:
                    self.placed.append(content["id"])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            content, kind = str(error), type(error).__name__
        self.answers[kind] += 1
        if kind not in ("200", "201"):
            self.failures.append(f"{'POST' if write else 'GET'} {kind}: {content}")

    async def _client(self, keeps: bool) -> None:
        connector = aiohttp.TCPConnector(ssl=self.context, force_close=not keeps)
        headers = {"Authorization": f"Bearer {self.token}"}
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=timeout
        ) as session:
            number = 0
            while not self.ended.is_set():
                number += 1
                await self._ask(session, number)
                await asyncio.sleep(PAUSE)

    async def _all(self) -> None:
        await asyncio.gather(*(self._client(n % 2 == 0) for n in range(2 * KEEPING)))


@contextmanager
def under_load(url: str, token: str, context: ssl.SSLContext) -> Iterator[Load]:
    """Ask an address on this machine until the block ends; the answers are in what is yielded."""
    load = Load(url, token, context)
    thread = threading.Thread(target=lambda: asyncio.run(load._all()))
    thread.start()
    try:
        yield load
    finally:
        load.ended.set()
        thread.join()

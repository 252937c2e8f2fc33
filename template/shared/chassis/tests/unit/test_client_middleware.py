"""What modules in `client_middleware` add to the calls of a client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel

from chassis import client_middleware
from chassis.client import Call, ServiceClient
from chassis.client_middleware import Middleware
from chassis.errors import TooSlow, Unavailable
from chassis.modules import find_modules
from chassis.request_id import as_part_of_request


class Seen(BaseModel):
    headers: dict[str, str]


async def answer(request: web.Request) -> web.Response:
    await asyncio.sleep(float(request.query.get("seconds", "0")))
    return web.json_response({"headers": dict(request.headers)})


type Connect = Callable[[], AbstractAsyncContextManager[ServiceClient]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:

        @asynccontextmanager
        async def connected() -> AsyncIterator[ServiceClient]:
            async with ServiceClient("thing service", str(server.make_url("/")), 5) as client:
                yield client

        yield connected


def found(monkeypatch: pytest.MonkeyPatch, **hooks: list[Any]) -> None:
    """Let the folder have modules with these hooks, and no others."""
    monkeypatch.setattr(client_middleware, "find_hooks", lambda *place: hooks.get(place[2], []))


async def test_a_call_carries_the_request_id(connect: Connect) -> None:
    with as_part_of_request("request-1"):
        async with connect() as client:
            seen = await client.call("GET", "/", Seen)
    assert seen.headers["X-Request-ID"] == "request-1"


async def test_headers_of_a_module_are_sent(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, headers=[lambda service: {"X-To": service}])
    async with connect() as client:
        assert (await client.call("GET", "/", Seen)).headers["X-To"] == "thing service"


def noting(name: str, notes: list[str]) -> Callable[[str], Middleware]:
    async def note[Answer](call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
        notes.append(name)
        return await go()

    return lambda _: note


async def twice[Answer](_: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
    await go()
    return await go()


async def test_the_first_is_the_innermost_and_a_call_can_be_made_again(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    inner, outer = noting("attempt", notes), noting("call", notes)
    found(monkeypatch, middleware=[inner, lambda _: twice, outer])
    async with connect() as client:
        await client.call("GET", "/", Seen)
    assert notes == ["call", "attempt", "attempt"]


async def hurried[Answer](call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
    call.timeout = 0.05
    return await go()


async def test_a_call_can_be_given_less_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, middleware=[lambda _: hurried])
    async with connect() as client:
        with pytest.raises(TooSlow):
            await client.call("GET", "/", Seen, params={"seconds": "5"})


def test_no_module_is_skipped_for_a_misspelled_name() -> None:
    for module in find_modules("chassis", "client_middleware/[a-z]*.py"):
        assert {"headers", "middleware"} & vars(module).keys(), module.__name__


def test_a_package_is_found_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("found/__init__.py", "found/one/models.py", "found/two/models/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    modules = find_modules("found", "**/models.py", "**/models/__init__.py")
    assert [module.__name__ for module in modules] == ["found.one.models", "found.two.models"]


async def refused[Answer](call: Call, go: Callable[[], Awaitable[Answer]]) -> Answer:
    if call.is_probe:
        return await go()
    raise Unavailable("Not now.")


async def test_a_check_is_known_from_a_call(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, middleware=[lambda _: refused])
    async with connect() as client:
        await client.check("/", Seen)
        with pytest.raises(Unavailable):
            await client.call("GET", "/", Seen)

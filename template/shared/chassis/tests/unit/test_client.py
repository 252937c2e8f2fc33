"""The client maps what another service does to errors that a caller can act on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from pydantic import BaseModel, ConfigDict

from chassis.client import ServiceClient
from chassis.errors import (
    BadGateway,
    Conflict,
    Invalid,
    NotFound,
    ServiceError,
    TooSlow,
    Unavailable,
)


class Thing(BaseModel):
    name: str


async def answer(request: web.Request) -> web.Response:
    status = int(request.match_info["status"])
    if status == 204:
        await asyncio.sleep(5)
    if status == 200:
        return web.json_response({"name": request.query.get("name", "")})
    return web.json_response(
        {"title": "No", "status": status, "detail": "Because.", "errors": []}, status=status
    )


@pytest.fixture
async def client() -> AsyncIterator[ServiceClient]:
    app = web.Application()
    app.router.add_get("/{status}", answer)
    async with (
        TestServer(app) as server,
        ServiceClient("thing service", str(server.make_url("/")), timeout=0.5) as client,
    ):
        yield client


async def test_an_answer_becomes_a_model(client: ServiceClient) -> None:
    assert await client.call("GET", "/200", Thing, params={"name": "a"}) == Thing(name="a")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (409, Conflict),
        (422, Invalid),
        (503, Unavailable),
        (401, BadGateway),
        (500, BadGateway),
        (302, BadGateway),
        (204, TooSlow),
    ],
)
async def test_an_error_is_mapped(
    client: ServiceClient, status: int, error: type[ServiceError]
) -> None:
    with pytest.raises(error):
        await client.call("GET", f"/{status}", Thing)


async def test_the_reason_is_passed_on(client: ServiceClient) -> None:
    with pytest.raises(Conflict, match=r"Because\."):
        await client.call("GET", "/409", Thing)


async def test_a_new_field_of_an_answer_is_no_error(client: ServiceClient) -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    assert await client.call("GET", "/200", Strict) == Strict()


async def test_an_answer_of_the_wrong_shape_is_a_bad_gateway(client: ServiceClient) -> None:
    class Other(BaseModel):
        price: int

    with pytest.raises(BadGateway, match="wrong shape"):
        await client.call("GET", "/200", Other)


async def test_a_service_that_is_down_is_unavailable() -> None:
    async with ServiceClient("thing service", f"http://127.0.0.1:{unused_port()}", 1) as client:
        with pytest.raises(Unavailable, match="thing service cannot be reached"):
            await client.call("GET", "/200", Thing)

"""The client maps what another service does to errors that a caller can act on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from pydantic import BaseModel, ConfigDict

from chassis import errors
from chassis.client import ServiceClient
from chassis.problems import ProblemDocument


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
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (422, errors.Invalid),
        (503, errors.Unavailable),
        (401, errors.BadGateway),
        (500, errors.BadGateway),
        (302, errors.BadGateway),
        (204, errors.TooSlow),
    ],
)
async def test_an_error_is_mapped(
    client: ServiceClient, status: int, error: type[errors.ServiceError]
) -> None:
    with pytest.raises(error):
        await client.call("GET", f"/{status}", Thing)


async def test_the_reason_is_passed_on(client: ServiceClient) -> None:
    with pytest.raises(errors.Conflict, match=r"Because\."):
        await client.call("GET", "/409", Thing)


async def test_a_new_field_of_an_answer_is_no_error(client: ServiceClient) -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    assert await client.call("GET", "/200", Strict) == Strict()


async def test_an_answer_of_the_wrong_shape_is_a_bad_gateway(client: ServiceClient) -> None:
    with pytest.raises(errors.BadGateway, match="wrong shape"):
        await client.call("GET", "/200", ProblemDocument)


async def test_a_service_that_is_down_is_unavailable() -> None:
    async with ServiceClient("thing service", f"http://127.0.0.1:{unused_port()}", 1) as client:
        with pytest.raises(errors.Unavailable, match="thing service cannot be reached"):
            await client.call("GET", "/200", Thing)

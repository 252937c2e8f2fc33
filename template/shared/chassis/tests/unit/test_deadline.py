"""A request has a budget of time: it is handed on, and it is not exceeded."""

import asyncio

import httpx2
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from chassis.app import create_app
from chassis.client import Call
from chassis.client_middleware.deadline import middleware
from chassis.deadline import (
    BUDGET_HEADER,
    budget_headers,
    deadline,
    handed_on_deadline,
    seconds_left,
)

router = APIRouter()


@router.get("/left")
async def left() -> dict[str, float]:
    return {"seconds": seconds_left() or 0.0, "handed on": int(budget_headers()[BUDGET_HEADER])}


async def nothing() -> None: ...


@router.get("/calls")
async def calls() -> list[float | None]:
    made = [Call("GET", "/"), Call("GET", "/", timeout=0.01)]
    for call in made:
        await middleware("thing service")(call, nothing)
    return [call.timeout for call in made]


@router.get("/sleep")
async def sleep() -> None:
    await asyncio.sleep(30)


@router.get("/give-up")
async def give_up() -> None:
    raise TimeoutError


@pytest.fixture
def stranger() -> TestClient:
    return TestClient(create_app(title="Test", routers=[router], features=[deadline]))


@pytest.fixture
def service() -> TestClient:
    return TestClient(create_app(title="Test", routers=[router], features=[handed_on_deadline]))


def test_a_request_has_ten_seconds(stranger: TestClient) -> None:
    answer = stranger.get("/left", headers={BUDGET_HEADER: "99000"}).json()
    assert 8 < answer["seconds"] <= 10
    assert 8_000 < answer["handed on"] <= 10_000


def test_a_stranger_sets_no_budget_and_a_service_does(
    stranger: TestClient, service: TestClient
) -> None:
    budget = {BUDGET_HEADER: "3000"}
    assert stranger.get("/left", headers=budget).json()["seconds"] > 8
    assert 1 < service.get("/left", headers=budget).json()["seconds"] <= 3


@pytest.mark.parametrize("given", ["", "-5", "soon", "1e3", "9" * 30, "²"])
def test_what_is_no_number_grants_what_there_is(service: TestClient, given: str) -> None:
    headers = {BUDGET_HEADER.encode(): given.encode()}
    assert service.get("/left", headers=headers).json()["seconds"] > 8


def test_a_request_that_takes_too_long_is_ended(service: TestClient) -> None:
    answer = service.get("/sleep", headers={BUDGET_HEADER: "500"})
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"
    assert "longer than it may" in answer.json()["detail"]


def test_a_timeout_of_the_service_itself_is_not_mistaken_for_the_deadline(
    service: TestClient,
) -> None:
    answer = TestClient(service.app, raise_server_exceptions=False).get("/give-up")
    assert answer.status_code == 500


def test_a_call_may_take_what_is_left_or_less(stranger: TestClient) -> None:
    whole, less = stranger.get("/calls").json()
    assert 0 < whole <= 10
    assert less == 0.01


async def test_outside_of_requests_there_is_no_budget() -> None:
    assert seconds_left() is None
    assert budget_headers() == {}
    assert await calls() == [None, 0.01]


async def test_a_crowd_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUEST_MAX_UNDER_WAY", "2")
    entered, leave = asyncio.Semaphore(0), asyncio.Event()
    waiting = APIRouter()

    @waiting.get("/wait")
    async def wait() -> None:
        entered.release()
        await leave.wait()

    @waiting.get("/health")
    async def health() -> None: ...

    app = create_app(title="Test", routers=[waiting], features=[deadline])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        inside = [asyncio.create_task(client.get("/wait")) for _ in range(2)]
        for _ in inside:
            await entered.acquire()
        refused = await client.get("/wait")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["detail"] == "Too many requests are under way."
        assert (await client.get("/health")).status_code == 200
        leave.set()
        assert [(await task).status_code for task in inside] == [200, 200]
        assert (await client.get("/wait")).status_code == 200

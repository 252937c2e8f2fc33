"""Breaker, bulkhead and retries: what is in trouble is left alone, and tried again in time."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from chassis.errors import NotFound, ServiceError, TooSlow, Unavailable
from chassis.resilience import CircuitBreaker, Refused, Resilience, ResilienceSettings, State


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("thing service", failures=3, open_seconds=5, clock=clock)


async def attempt(breaker: CircuitBreaker, error: ServiceError | None = None) -> None:
    async with breaker.call():
        if error is not None:
            raise error


async def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(TooSlow):
            await attempt(breaker, TooSlow("Slow."))


def state(breaker: CircuitBreaker) -> State:
    return breaker.state


def shown() -> float | None:
    return REGISTRY.get_sample_value("circuit_breaker_state", {"service": "thing service"})


async def test_it_opens_after_failures_in_a_row(
    breaker: CircuitBreaker, caplog: pytest.LogCaptureFixture
) -> None:
    await fail(breaker, 2)
    await attempt(breaker)
    await fail(breaker, 2)
    assert state(breaker) is State.CLOSED
    await fail(breaker, 1)
    assert state(breaker) is State.OPEN
    assert shown() == 2
    assert ("WARNING", "the breaker before the thing service is open") in {
        (record.levelname, record.getMessage()) for record in caplog.records
    }
    with pytest.raises(Refused, match="asked again in a moment"):
        await attempt(breaker)


async def test_what_the_caller_did_wrong_is_no_failure(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        with pytest.raises(NotFound):
            await attempt(breaker, NotFound("Not there."))
    assert state(breaker) is State.CLOSED


async def test_one_probe_goes_through_and_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    await fail(breaker, 3)
    clock.now += 5
    async with breaker.call():
        assert state(breaker) is State.HALF_OPEN
        assert shown() == 1
        with pytest.raises(Refused):  # everybody else waits for how the probe ends
            await attempt(breaker)
    assert state(breaker) is State.CLOSED
    assert shown() == 0


async def test_a_probe_that_fails_opens_it_for_as_long_again(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    await fail(breaker, 3)
    clock.now += 5
    await fail(breaker, 1)
    clock.now += 4.9
    with pytest.raises(Refused):
        await attempt(breaker)
    clock.now += 0.1
    await attempt(breaker)
    assert state(breaker) is State.CLOSED


async def test_a_probe_that_is_cancelled_is_sent_again(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    await fail(breaker, 3)
    clock.now += 5

    async def hang() -> None:
        async with breaker.call():
            await asyncio.sleep(60)

    probe = asyncio.create_task(hang())
    await asyncio.sleep(0)
    assert state(breaker) is State.HALF_OPEN
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    await attempt(breaker)
    assert state(breaker) is State.CLOSED


class Calls:
    """A call that fails a number of times, and then answers."""

    def __init__(self, failures: int, error: ServiceError) -> None:
        self.made = 0
        self._failures = failures
        self._error = error

    async def __call__(self) -> str:
        self.made += 1
        if self.made <= self._failures:
            raise self._error
        return "answer"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_may_be_repeated_is_repeated(method: str) -> None:
    calls = Calls(2, Unavailable("Away."))
    assert await Resilience("retried service", ResilienceSettings()).run(method, calls) == "answer"
    assert calls.made == 3


async def test_a_repetition_is_logged_as_everything_else_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await Resilience("retried service", ResilienceSettings()).run(
        "GET", Calls(1, Unavailable("Away."))
    )
    (line,) = [record for record in caplog.records if record.name == "stamina"]
    assert line.getMessage() == "stamina.retry_scheduled"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_may_not_be_repeated_is_made_once(method: str) -> None:
    calls = Calls(1, Unavailable("Away."))
    with pytest.raises(Unavailable):
        await Resilience("retried service", ResilienceSettings()).run(method, calls)
    assert calls.made == 1


async def test_a_refusal_of_the_request_is_not_repeated() -> None:
    calls = Calls(1, NotFound("Not there."))
    with pytest.raises(NotFound):
        await Resilience("retried service", ResilienceSettings()).run("GET", calls)
    assert calls.made == 1


async def test_an_open_breaker_is_not_tried_again() -> None:
    resilience = Resilience("open service", ResilienceSettings(breaker_failures=1))
    calls = Calls(9, Unavailable("Away."))
    with pytest.raises(Refused):
        await resilience.run("GET", calls)
    assert calls.made == 1


async def test_a_full_bulkhead_refuses_and_lets_in_again() -> None:
    settings = ResilienceSettings(bulkhead_calls=1, bulkhead_wait_seconds=0.01)
    resilience = Resilience("crowded service", settings)
    done = asyncio.Event()

    async def wait() -> str:
        await done.wait()
        return "answer"

    first = asyncio.create_task(resilience.run("POST", wait))
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="Too many calls"):
        await resilience.run("POST", wait)
    done.set()
    assert await first == "answer"
    assert await resilience.run("POST", wait) == "answer"


async def test_a_probe_of_readiness_tells_the_truth_and_closes_the_breaker() -> None:
    resilience = Resilience("probed service", ResilienceSettings(breaker_failures=1))
    with pytest.raises(Unavailable):
        await resilience.probe(Calls(1, Unavailable("Away.")))
    with pytest.raises(Refused):
        await resilience.run("POST", Calls(0, Unavailable("")))
    assert await resilience.probe(Calls(0, Unavailable(""))) == "answer"
    assert await resilience.run("POST", Calls(0, Unavailable(""))) == "answer"

"""What is promised when a part fails: an answer in time, a way back, and nothing lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx2
import pytest
from pydantic import SecretStr

from business_api.identity.sessions import Sessions
from business_api.identity.settings import IssuerSettings
from chassis.redis import RedisSettings, connect
from chassis.security.revocation import REMEMBER_SECONDS, Revocations
from chassis.settings import read_settings
from chassis.testing import access_token
from tests.chaos.support import PLACES, eventually
from tests.notes import BODY, PATH

if TYPE_CHECKING:
    from tests.chaos.conftest import System

# A request has three seconds here, and the client gets its answer within a little more.
IN_TIME = 4.0
RECOVERY = 10.0


def write(system: "System", key: str) -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return system.client.post(PATH, json=BODY, headers=headers)


def timed(system: "System", path: str = PATH) -> tuple[int, float]:
    start = time.monotonic()
    status = system.client.get(path).status_code
    return status, time.monotonic() - start


def notes(system: "System") -> list[str]:
    """Return the ids of all notes."""
    ids: list[str] = []
    query = "?limit=100"
    while True:
        page = system.client.get(f"{PATH}{query}").json()
        ids += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        query = f"?limit=100&cursor={page['next_cursor']}"


def works(system: "System") -> bool:
    return system.client.get(f"{PATH}?limit=1").is_success


def test_the_data_service_is_killed(system: "System") -> None:
    system.data.kill()
    answers = [timed(system) for _ in range(8)]
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < IN_TIME
    # The breaker is open: nobody waits for what is known to fail.
    assert min(seconds for _, seconds in answers) < 0.1
    assert system.client.get("/ready").status_code == 503
    assert system.client.get("/health").status_code == 200
    system.data.start()
    assert eventually(lambda: works(system), RECOVERY) < RECOVERY


@pytest.mark.parametrize("service", ["business", "data"])
def test_it_is_killed_while_notes_are_written(system: "System", service: str) -> None:
    before = notes(system)
    keys = [uuid4().hex for _ in range(40)]
    killed = system.business if service == "business" else system.data

    def write_until_it_is_there(key: str) -> str:
        for _ in range(200):
            time.sleep(0.2)
            try:
                answer = write(system, key)
            except httpx2.TransportError:
                assert service == "business", "the service that is asked still runs"
                continue
            if answer.status_code == 201:
                return str(answer.json()["id"])
            assert answer.status_code in {502, 503, 504}, answer.text
        raise AssertionError("never written")

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write_until_it_is_there, key) for key in keys]
        time.sleep(0.7)
        killed.kill()
        killed.start()
        ids = [future.result() for future in writing]
    assert len(set(ids)) == len(keys)
    assert sorted(set(notes(system)) - set(before)) == sorted(ids)


def test_the_database_is_frozen(system: "System") -> None:
    system.to_postgres.freeze()
    answers = [timed(system) for _ in range(4)]
    assert {status for status, _ in answers} <= {503, 504}
    assert max(seconds for _, seconds in answers) < IN_TIME
    system.to_postgres.heal()
    assert eventually(lambda: works(system), RECOVERY) < RECOVERY


def test_every_connection_to_the_database_breaks(system: "System") -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: works(system), range(8))) == {True}
    system.to_postgres.cut()
    assert eventually(lambda: works(system), RECOVERY) < RECOVERY


def test_redis_is_gone(system: "System") -> None:
    system.to_redis.freeze()
    # For a while what is known counts; then nobody can tell who has been locked out.
    assert works(system)
    took = eventually(lambda: timed(system)[0] == 503, RECOVERY)
    assert took > 1
    refused = system.client.get(PATH)
    assert refused.headers["retry-after"]
    assert "ended" in refused.json()["detail"]
    start = time.monotonic()
    form = {"grant_type": "refresh_token", "client_id": "docs", "refresh_token": "a.b"}
    refresh = system.client.post("/oauth/token", data=form)
    assert refresh.status_code == 503
    assert "sessions cannot be reached" in refresh.json()["detail"]
    assert time.monotonic() - start < IN_TIME
    system.to_redis.heal()
    assert eventually(lambda: works(system), RECOVERY) < RECOVERY


def test_redis_refuses_connections(system: "System") -> None:
    system.to_redis.refuse()
    assert works(system)
    eventually(lambda: timed(system)[0] == 503, RECOVERY)
    assert system.client.get("/health").status_code == 200
    system.to_redis.heal()
    assert eventually(lambda: works(system), RECOVERY) < RECOVERY


def test_the_network_is_slow(system: "System") -> None:
    system.to_data.delay = 0.3
    status, seconds = timed(system)
    assert (status, seconds > 0.3) == (200, True)
    system.to_data.delay = 2
    status, seconds = timed(system)
    assert status in {503, 504}
    assert seconds < IN_TIME


def test_a_change_whose_answer_was_lost_is_tried_again(system: "System") -> None:
    path = f"{PATH}/{write(system, uuid4().hex).json()['id']}"
    assert works(system)
    system.to_data.cut()  # so that the next call opens a connection, whose answers are counted
    lost = 0
    for _ in range(3):
        system.to_data.answers_to_lose = 1
        answer = system.client.post(f"{path}/close")
        lost += system.to_data.answers_to_lose == 0
        assert answer.status_code == 200, answer.text
    assert lost == 3
    note = system.client.get(path).json()
    assert (note["version"], note["status"]) == (2, "closed")


def test_a_note_whose_answer_was_lost_is_written_once(system: "System") -> None:
    before = len(notes(system))
    system.to_data.answers_to_lose = 1
    assert write(system, uuid4().hex).status_code == 201
    assert system.to_data.answers_to_lose == 0
    assert len(notes(system)) == before + 1


def test_an_answer_is_cut_in_the_middle(system: "System") -> None:
    before = len(notes(system))
    system.to_data.answers_to_cut = 1
    assert write(system, uuid4().hex).status_code == 201
    assert system.to_data.answers_to_cut == 0
    assert len(notes(system)) == before + 1
    system.to_data.answers_to_cut = 100
    answer = system.client.get(PATH)
    assert answer.status_code == 503
    assert "broke the connection off" in answer.json()["detail"]
    system.to_data.heal()
    assert eventually(lambda: works(system), RECOVERY) < RECOVERY


def test_there_are_more_requests_than_places(system: "System") -> None:
    system.to_data.delay = 0.4  # a call keeps its place for twice as long

    def ask(_: int) -> tuple[httpx2.Response, float]:
        start = time.monotonic()
        return system.client.get(f"{PATH}?limit=1"), time.monotonic() - start

    with ThreadPoolExecutor(4 * PLACES) as pool:
        answers = list(pool.map(ask, range(4 * PLACES)))
    refused = [(answer, seconds) for answer, seconds in answers if answer.status_code == 503]
    served = [seconds for answer, seconds in answers if answer.status_code == 200]
    # On a busy machine a call may also take too long.
    assert {answer.status_code for answer, _ in answers} <= {200, 503, 504}
    assert served
    assert len(refused) >= PLACES
    for answer, _ in refused:
        assert int(answer.headers["retry-after"]) > 0
        assert "Too many calls" in answer.json()["detail"]
    # Nobody queues for what there is no place for.
    assert median(seconds for _, seconds in refused) < median(served)
    system.to_data.heal()
    assert works(system), "to be full is no trouble that the breaker counts"


def test_the_collector_of_traces_is_frozen(system: "System") -> None:
    works(system)
    eventually(lambda: system.collector.received > 0)
    system.to_collector.freeze()
    time.sleep(1)  # what was already through arrives
    received = system.collector.received
    # To hand one batch over takes four seconds, which is longer than a request may take.
    for _ in range(20):
        assert works(system)
    assert system.collector.received == received
    system.to_collector.heal()
    eventually(lambda: system.collector.received > received and works(system), seconds=60)


async def begin_session(system: "System", user: str) -> str:
    there = RedisSettings(host="127.0.0.1", port=system.to_redis.port, password=SecretStr("test"))
    async with connect(there) as redis:
        revocations = Revocations(redis, REMEMBER_SECONDS, grace_seconds=0)
        sessions = Sessions(redis, read_settings(IssuerSettings), revocations)
        begun, _ = await sessions.begin(user, "127.0.0.1", "test")
    return begun.id


async def test_redis_starts_again_with_nothing(system: "System") -> None:
    user = uuid4().hex
    ended, kept = [await begin_session(system, user) for _ in range(2)]

    def ask(session: str, method: str = "GET", path: str = "") -> httpx2.Response:
        headers = {"Authorization": f"Bearer {access_token(user, 'test_author', sid=session)}"}
        return system.client.request(method, f"/api/v1/sessions{path}", headers=headers)

    def seen() -> list[str]:
        answer = ask(kept)
        return [item["id"] for item in answer.json()["items"]] if answer.is_success else []

    assert seen() == [kept, ended]
    assert ask(kept, "DELETE", f"/{ended}").status_code == 204
    assert ask(ended).status_code == 401
    system.redis.exec(["redis-cli", "--no-auth-warning", "-a", "test", "flushall"])
    system.to_redis.cut()
    # Tokens need no Redis, so nobody is interrupted; who wants a new one logs in anew.
    assert works(system)
    eventually(lambda: ask(kept).is_success and seen() == [], RECOVERY)
    new = await begin_session(system, user)
    assert seen() == [new]
    # Of a list that is lost nothing is known: what was ended counts until its token ends.
    eventually(lambda: ask(ended).status_code == 200, RECOVERY)


@pytest.mark.parametrize("service", ["business", "data"])
def test_it_ends_after_what_is_under_way(system: "System", service: str) -> None:
    system.to_postgres.delay = 0.01  # some forty messages make a request of half a second
    stopping = system.business if service == "business" else system.data
    asked = system.to_data.carried
    try:
        with ThreadPoolExecutor(1) as pool:
            under_way = pool.submit(write, system, uuid4().hex)
            eventually(lambda: system.to_data.carried > asked)
            begun = system.to_postgres.carried
            eventually(lambda: system.to_postgres.carried > begun)
            took = stopping.terminate()
            assert under_way.result().status_code == 201
        assert took < 8
    finally:
        stopping.start()

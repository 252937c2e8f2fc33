"""The business service in front of the data service, over HTTP."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from chassis.structured_logging import LogSettings, configure
from tests.notes import BODY, PATH

if TYPE_CHECKING:
    from conftest import DataServer


def write(client: TestClient) -> dict[str, Any]:
    answer = client.post(PATH, json=BODY)
    assert answer.status_code == 201
    note: dict[str, Any] = answer.json()
    return note


def test_what_is_written_can_be_read_and_listed(business_api: TestClient) -> None:
    note = write(business_api)
    assert note.items() >= BODY.items()
    assert business_api.get(f"{PATH}/{note['id']}").json() == note
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor or not found:
        page = business_api.get(PATH, params={"cursor": cursor} if cursor else {}).json()
        found += page["items"]
        cursor = page["next_cursor"]
    assert note in found


def test_a_request_that_is_repeated_with_its_key_writes_once(business_api: TestClient) -> None:
    headers = {"Idempotency-Key": "again"}
    with ThreadPoolExecutor(4) as pool:
        answers = [
            each.result()
            for each in [
                pool.submit(business_api.post, PATH, json=BODY, headers=headers) for _ in range(4)
            ]
        ]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_what_the_data_service_refuses_is_passed_on(business_api: TestClient) -> None:
    answer = business_api.get(f"{PATH}/{'0' * 8}-0000-0000-0000-{'0' * 12}")
    assert answer.status_code == 404
    assert "There is no note" in answer.json()["detail"]


def test_it_is_ready_only_while_the_data_service_is(
    business_api: TestClient, data_server: "DataServer"
) -> None:
    assert business_api.get("/ready").status_code == 200
    data_server.stop()
    assert business_api.get("/ready").status_code == 503
    assert business_api.get("/health").status_code == 200
    assert business_api.get(PATH).status_code == 503
    data_server.start()
    assert business_api.get("/ready").status_code == 200


def test_the_request_id_is_in_the_logs_of_both_services(
    business_api: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("both", LogSettings())  # to what is the standard output now
    business_api.get(PATH, headers={"X-Request-ID": "journey-1"})
    printed = ""
    deadline = time.monotonic() + 10
    # The data service writes its line after its answer, in a thread of its own.
    while printed.count("chassis.access") < 2 and time.monotonic() < deadline:
        printed += capsys.readouterr().out
        time.sleep(0.01)
    lines = [json.loads(line) for line in printed.splitlines() if line[:1] == "{"]
    seen = [line for line in lines if line.get("request_id") == "journey-1"]
    assert len([line for line in seen if line["event"] == "request"]) == 2

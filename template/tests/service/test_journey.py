"""The journey through the gateway, and what the gateway does for every request."""

from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.journeys import described


@pytest.mark.skipif(not Path("journey.py").exists(), reason="describe a journey in journey.py")
def test_the_journey_works_through_the_gateway(gateway: httpx2.Client) -> None:
    journey = described()

    def send(method: str, path: str, body: object) -> httpx2.Response:
        answer = gateway.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer

    created = send(*journey.create()).json()
    key = str(created[journey.KEY])
    assert send(*journey.read(key)).json()[journey.KEY] == created[journey.KEY]
    assert send(*journey.browse()).headers["content-type"] == "application/json"
    send(*journey.advance(key))


def test_the_request_id_is_kept(gateway: httpx2.Client) -> None:
    request_id = uuid4().hex
    answer = gateway.get("/api/v1/nowhere", headers={"X-Request-ID": request_id})
    assert answer.headers.get_list("X-Request-ID") == [request_id]


@pytest.mark.parametrize("path", ["/metrics", "/ready", "/METRICS", "//metrics", "/x/../metrics"])
def test_routes_for_operators_are_hidden(gateway: httpx2.Client, path: str) -> None:
    assert gateway.get(path).status_code == 404

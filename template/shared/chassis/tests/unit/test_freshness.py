"""What is read on the way to a change is read as it is now, and what a client insists on is too."""

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from chassis.app import create_app
from chassis.freshness import freshness_headers, handed_on_freshness

router = APIRouter()


@router.api_route("/handed-on", methods=["GET", "POST", "PUT", "DELETE"])
async def handed_on() -> dict[str, str]:
    return freshness_headers()


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(title="Test", routers=[router], features=[handed_on_freshness]))


FRESH = {"Cache-Control": "no-cache"}


def test_a_read_may_be_answered_from_a_copy(client: TestClient) -> None:
    assert client.get("/handed-on").json() == {}
    assert client.get("/handed-on", headers={"Cache-Control": "max-age=60"}).json() == {}


@pytest.mark.parametrize("said", ["no-cache", "No-Cache", "max-age=0, no-cache"])
def test_a_client_may_ask_for_what_is_stored_now(client: TestClient, said: str) -> None:
    assert client.get("/handed-on", headers={"Cache-Control": said}).json() == FRESH


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_no_change_is_decided_on_old_data(client: TestClient, method: str) -> None:
    assert client.request(method, "/handed-on").json() == FRESH


def test_what_no_request_has_asked_for_is_asked_for_as_it_is_now() -> None:
    assert freshness_headers() == FRESH

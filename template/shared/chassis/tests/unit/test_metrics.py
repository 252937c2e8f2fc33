"""What the chassis counts: every request, by what bounds the number of series."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from pydantic import BaseModel

from chassis.app import create_app
from chassis.client import ServiceClient
from chassis.client_metrics import measured_call
from chassis.errors import Conflict, Unavailable
from chassis.metrics import metrics
from chassis.testing import service_client

router = APIRouter(prefix="/things")


@router.get("/{thing_id}")
async def thing(thing_id: str) -> str:
    if thing_id == "bug":
        raise ZeroDivisionError
    if thing_id == "taken":
        raise Conflict("Taken.")
    return thing_id


@pytest.fixture
def client() -> Iterator[TestClient]:
    with service_client(create_app(title="Test", routers=[router], features=[metrics])) as client:
        yield client


def count(route: str, status: int, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("http_request_duration_seconds_count", labels) or 0


@pytest.mark.parametrize(("thing_id", "status"), [("1", 200), ("taken", 409), ("bug", 500)])
def test_a_request_counts_for_the_template_of_its_path(
    client: TestClient, thing_id: str, status: int
) -> None:
    before = count("/things/{thing_id}", status)
    assert client.get(f"/things/{thing_id}").status_code == status
    assert count("/things/{thing_id}", status) == before + 1
    assert "http_requests_in_flight 0.0" in client.get("/metrics").text


def test_a_hundred_paths_and_methods_are_few_series(client: TestClient) -> None:
    client.get("/things/1")
    client.get("/nowhere")
    client.request("BREW", "/nowhere")

    def series() -> int:
        text = client.get("/metrics").text
        return len(re.findall("^http_request_duration_seconds_count", text, re.MULTILINE))

    series()
    before = series()
    for number in range(100):
        client.get(f"/nowhere/{number}")
        client.get(f"/things/{number}")
        client.request(f"BREW{number}", "/nowhere")
    assert series() == before


def test_the_processes_of_a_container_are_summed(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    script = "import prometheus_client as p; p.Counter('made', 'Made.').inc(2)"
    for _ in range(3):
        subprocess.run([sys.executable, "-c", script], check=True)
    assert "made_total 6.0" in client.get("/metrics").text


def calls(outcome: str, method: str = "GET") -> float:
    labels = {"service": "thing service", "method": method, "outcome": outcome}
    return REGISTRY.get_sample_value("service_client_duration_seconds_count", labels) or 0


async def test_a_call_counts_by_its_outcome() -> None:
    before = calls("404"), calls("Unavailable")
    with measured_call("thing service", "GET") as call:
        call.outcome = "404"
    with pytest.raises(Unavailable), measured_call("thing service", "GET"):
        raise Unavailable("Gone.")
    assert (calls("404"), calls("Unavailable")) == (before[0] + 1, before[1] + 1)


class Nothing(BaseModel):
    pass


async def test_the_client_measures_its_calls() -> None:
    before = calls("Unavailable", "POST")
    async with ServiceClient("thing service", "http://127.0.0.1:1", 1) as client:
        with pytest.raises(Unavailable):
            await client.call("POST", "/", Nothing)
    assert calls("Unavailable", "POST") == before + 1

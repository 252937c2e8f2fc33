"""What the chassis gives to every service: errors that say what was wrong, caller, settings."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.app import create_app
from chassis.body_limit import MAX_BODY_BYTES
from chassis.errors import Conflict, Unavailable
from chassis.settings import SettingsError, read_settings
from chassis.testing import service_client

router = APIRouter()


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int


@router.post("/things")
async def make(body: Body) -> int:
    return body.count


@router.get("/things")
async def things() -> list[int]:
    return []


@router.get("/conflict")
async def conflict() -> None:
    raise Conflict("Somebody else was faster.")


@router.get("/away")
async def away() -> None:
    raise Unavailable("The database cannot be reached.") from OSError("secret")


@router.get("/bug")
async def bug() -> None:
    raise ZeroDivisionError("secret")


@pytest.fixture
def client() -> Iterator[TestClient]:
    with service_client(create_app(title="Test", routers=[router])) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/conflict", 409, "Somebody else was faster."),
        ("GET", "/nowhere", 404, "There is nothing at /nowhere."),
        ("DELETE", "/things", 405, "/things takes GET, POST, not DELETE."),
        ("GET", "/bug", 500, "The service made a mistake. It has been logged."),
    ],
)
def test_an_error_is_a_problem_document(
    client: TestClient, method: str, path: str, status: int, detail: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"] == detail


def test_the_log_says_why_another_part_failed(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert "secret" not in client.get("/away").text
    assert "GET /away: The database cannot be reached. (OSError('secret'))" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"count": "many"}',
        b'{"count": 1, "colour": "green"}',
        b'{"count": NaN}',
        b'{"count": 1, "\\ud800": 1}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"count": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_bad_body_is_refused_with_a_reason(client: TestClient, body: bytes) -> None:
    answer = client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_the_reasons_stay_few(client: TestClient) -> None:
    answer = client.post("/things", json={f"field{number}": 1 for number in range(10_000)})
    assert answer.status_code == 422
    assert len(answer.content) < 10_000


def test_a_path_with_another_slash_is_another_path(client: TestClient) -> None:
    assert client.get("/things/", headers={"Host": "evil.example"}).status_code == 404


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused(client: TestClient, announced: bool) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    answer = client.post("/things", content=body if announced else iter([body]))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_told_all_right_ones(client: TestClient) -> None:
    assert client.delete("/things").headers["Allow"] == "GET, POST"


class GateSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="GATE_")

    password: SecretStr
    port: int = 1


def test_a_bad_setting_is_named_and_its_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_PORT", "hunter2")
    with pytest.raises(SettingsError, match="GATE_PASSWORD: Field required") as caught:
        read_settings(GateSettings)
    assert "GATE_PORT" in str(caught.value)
    assert "hunter2" not in str(caught.value)

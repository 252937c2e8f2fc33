"""API5: what a role may not do it cannot do, and what no line of the policy names nobody can."""

import warnings
from collections.abc import Iterator
from typing import cast

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from business_api.main import app
from chassis.app import create_app
from chassis.security.authentication import GuardMiddleware
from chassis.security.policy import AUTHENTICATED, PUBLIC, Policy, Role, lines_of
from chassis.security.principal import Principal
from chassis.security.tokens import InvalidToken
from tests.security.support import bearer, write_note

POLICY: Policy = app.state.policy
LINES = lines_of(app.routes)
NAMED = [line for line in LINES if POLICY.permission(line) not in {None, PUBLIC}]
UNNAMED = [line for line in LINES if POLICY.permission(line) is None]


def _ask(api: TestClient, line: str, headers: dict[str, str]) -> int:
    method, path = line.split(" ", 1)
    path = path.replace("{note_id}", "0" * 32).replace("{", "").replace("}", "")
    return int(api.request(method, path, headers=headers).status_code)


@pytest.mark.parametrize("line", NAMED)
def test_a_route_needs_its_permission(api: TestClient, line: str) -> None:
    assert _ask(api, line, {}) == 401
    if POLICY.permission(line) != AUTHENTICATED:
        assert _ask(api, line, bearer("nobody", "no_such_role")) == 403
    assert _ask(api, line, bearer("root", "administrator")) not in {401, 403}


def test_a_route_that_no_line_names_is_refused(api: TestClient) -> None:
    for line in UNNAMED:
        assert _ask(api, line, {}) == 401
        assert _ask(api, line, bearer("root", "administrator")) == 403
    if UNNAMED:
        refused = "no line of the policy names these, so they are refused: " + "; ".join(UNNAMED)
        warnings.warn(refused, stacklevel=1)


def test_no_line_names_a_route_that_is_gone() -> None:
    framework = {"GET /openapi.json"}
    assert POLICY.routes.keys() - set(LINES) - framework == set()


def test_an_author_does_not_do_what_a_keeper_does(api: TestClient) -> None:
    note = write_note(api, "ada")
    answer = api.post(f"{note}/close", headers=bearer("ada", "test_author"))
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert 'scope="test_notes:close"' in answer.headers["www-authenticate"]


def test_an_author_administers_nothing(api: TestClient) -> None:
    ada = bearer("ada", "test_author")
    for path in ("/api/v1/users", "/api/v1/clients", "/api/v1/audit"):
        assert api.get(path, headers=ada).status_code == 403
    body = {"login": "x", "password": "a good password", "roles": ["administrator"]}
    assert api.post("/api/v1/users", json=body, headers=ada).status_code == 403


# --- The guard itself, before routes of every kind ----------------------------------------------


class _Names:
    """Takes the token for the name of the only role."""

    async def authenticate(self, token: str) -> Principal:
        if token == "bad":
            raise InvalidToken("This is bad.")
        return Principal("ada", frozenset({token}))


@pytest.fixture
def guarded() -> Iterator[TestClient]:
    router = APIRouter(prefix="/v1")

    @router.get("/named")
    @router.get("/other/{name}")
    async def read(name: str = "") -> str:
        return name

    @router.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    app = create_app(title="Test", routers=[router])
    app.state.policy = Policy(
        {
            "GET /v1/named": "things:read",
            "WEBSOCKET /v1/socket": "things:read",
            "GET /open/{path}": "things:read",
        },
        {
            "reader": (Role(own=frozenset({"things:read"})),),
            "writer": (Role(),),
            "root": (Role(all=frozenset({"*"})),),
        },
    )
    app.state.authenticator = _Names()

    @app.get("/direct")
    async def direct() -> str:
        return "direct"

    below = FastAPI(openapi_url=None)

    @below.get("/inner")
    async def inner() -> str:
        return "inner"

    app.mount("/mounted", below)
    app.mount("/open", below)
    app.add_middleware(GuardMiddleware, denied=lambda *_: None)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/v1/named", "reader", 200),
        ("/v1/named", "writer", 403),
        ("/v1/named", "bad", 401),
        ("/v1/other/x", "reader", 403),
        ("/direct", "reader", 403),
        ("/direct", "root", 403),
        ("/v1/named", "root", 200),
        ("/mounted/inner", "reader", 403),
        ("/open/inner", "reader", 200),
        ("/open/inner", "writer", 403),
        ("/nowhere", "reader", 404),
        ("/v1/named/", "reader", 404),
        ("/V1/named", "reader", 404),
        ("//v1/named", "reader", 404),
    ],
)
def test_the_guard_lets_through_what_is_named(
    guarded: TestClient, path: str, token: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert guarded.get(path, headers=headers).status_code == status
    assert guarded.get(path).status_code == 401


def test_lines_are_named_as_the_guard_asks_for_them(guarded: TestClient) -> None:
    lines = lines_of(cast(FastAPI, guarded.app).routes)
    assert {"GET /open/{path}", "WEBSOCKET /v1/socket"} <= set(lines)
    assert "WEBSOCKET /open/{path}" not in lines


def test_the_guard_tells_which_methods_there_are(guarded: TestClient) -> None:
    answer = guarded.delete("/v1/named", headers={"Authorization": "Bearer reader"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(("token", "passes"), [("reader", True), ("writer", False), (None, False)])
def test_the_guard_stands_before_websockets(
    guarded: TestClient, token: str | None, passes: bool
) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if passes:
        with guarded.websocket_connect("/v1/socket", headers=headers):
            return
    with (
        pytest.raises(WebSocketDisconnect),
        guarded.websocket_connect("/v1/socket", headers=headers),
    ):
        pass

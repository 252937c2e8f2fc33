"""What the chassis counts of security: each refusal by its reason, and whether Redis tells."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from chassis.app import create_app
from chassis.errors import Unavailable
from chassis.resilience import Resilience, ResilienceSettings
from chassis.security.authentication import REASONS, GuardMiddleware
from chassis.security.policy import PUBLIC, Policy, Role
from chassis.security.principal import Principal
from chassis.security.revocation import Revocations
from chassis.security.tokens import InvalidToken

ERRORS = {
    "forged": InvalidToken("This is no token."),
    "unknown": Unavailable("Nobody can tell."),
}

router = APIRouter()


@router.get("/named")
@router.get("/named/{name}")
@router.get("/named/{name}/details")
@router.get("/unnamed")
async def route() -> str:
    return "let through"


class Tokens:
    """Takes the role itself for a token."""

    async def authenticate(self, token: str) -> Principal:
        if token in ERRORS:
            raise ERRORS[token]
        return Principal("ada", frozenset({token}))


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = create_app(title="Test", routers=[router])
    app.state.policy = Policy(
        {"GET /named": "things:read", "GET /named/{name}": PUBLIC},
        {"reader": (Role(own=frozenset({"things:read"})),)},
    )
    app.state.authenticator = Tokens()
    app.add_middleware(GuardMiddleware, denied=lambda *_: None)
    with TestClient(app) as client:
        yield client


def refused() -> dict[str, float]:
    return {
        reason: REGISTRY.get_sample_value("requests_refused_total", {"reason": reason}) or 0
        for reason in REASONS
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/named/a", 200),  # public
        ("/named", 401),
        # No line names this path, and a route with the same prefix does not make it public.
        ("/named/a/details", 401),
        ("/named/a/b/c", 401),
        ("/namedother", 401),
    ],
)
def test_a_policy_line_applies_only_to_paths_that_its_route_matches(
    client: TestClient, path: str, status: int
) -> None:
    assert client.get(path).status_code == status


@pytest.mark.parametrize(
    ("path", "token", "reason"),
    [
        ("/named", None, "no token"),
        ("/named", "forged", "invalid token"),
        ("/named", "stranger", "not permitted"),
        ("/unnamed", "reader", "not named by the policy"),
        ("/named", "unknown", "nobody can tell"),
        ("/named", "reader", None),
    ],
)
def test_a_refusal_counts_once_by_its_reason(
    client: TestClient, path: str, token: str | None, reason: str | None
) -> None:
    before = refused()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = client.get(path, headers=headers)
    assert answer.is_success == (reason is None)
    expected = {each: count + (each == reason) for each, count in before.items()}
    assert refused() == expected


def test_no_reason_begins_with_its_first_refusal() -> None:
    shown = {
        sample.labels["reason"]
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "requests_refused_total"
    }
    assert shown == set(REASONS)


async def test_whether_the_list_of_revoked_sessions_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Redis() as redis:
        revocations = Revocations(redis, 60, 60)

        async def gone(*_: object) -> list[str]:
            raise ConnectionRefusedError

        async def there(*_: object) -> list[str]:
            return []

        for answer, value in ((there, 1), (gone, 0), (there, 1)):
            monkeypatch.setattr(redis, "zrangebyscore", answer)
            await revocations.read()
            assert REGISTRY.get_sample_value("revocations_readable") == value


def test_what_a_client_counts_is_there_before_it_counts() -> None:
    Resilience("new service", ResilienceSettings())
    service = {"service": "new service"}
    assert REGISTRY.get_sample_value("service_client_retries_total", service) == 0
    for reason in ("breaker", "bulkhead"):
        labels = service | {"reason": reason}
        assert REGISTRY.get_sample_value("service_client_refused_total", labels) == 0

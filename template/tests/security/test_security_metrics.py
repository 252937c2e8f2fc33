"""What the alerts read about logging in: each attempt counts once, by how it ended."""

import asyncio

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from business_api.identity.denials import MAX_KINDS, Denials
from business_api.identity.gateway import AuditGateway
from chassis.errors import Unavailable
from contracts.audit import AuditEvent
from tests.security.support import Person, add_user


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None, f"{name} {labels} is not shown before it counts"
    return found


def logins(action: str) -> dict[str, float]:
    return {
        outcome: value("logins_total", action=action, outcome=outcome)
        for outcome in ("accepted", "refused", "limited")
    }


def test_a_password_counts_by_how_its_check_ended(api: TestClient) -> None:
    _, login = add_user(api)
    before = logins("login")
    Person(api, login).submit()
    for _ in range(6):
        Person(api, login, "wrong").submit()
    after = logins("login")
    assert {outcome: after[outcome] - before[outcome] for outcome in after} == {
        "accepted": 1,
        "refused": 5,
        "limited": 1,
    }


def test_the_current_password_counts_apart(api: TestClient) -> None:
    _, login = add_user(api)
    tokens = Person(api, login).log_in()
    before, other = logins("password"), logins("login")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    body = {"current": "not this one", "password": "a new password, a long one"}
    assert api.put("/api/v1/password", json=body, headers=headers).status_code == 422
    assert logins("password") == before | {"refused": before["refused"] + 1}
    assert logins("login") == other


def test_what_is_used_a_second_time_counts_by_its_kind(api: TestClient) -> None:
    _, login = add_user(api)
    person = Person(api, login)
    before = {kind: value("tokens_reused_total", kind=kind) for kind in ("code", "refresh token")}
    code = person.code()
    tokens = person.exchange(code).json()
    person.use_a_copy(tokens["refresh_token"])
    assert value("tokens_reused_total", kind="refresh token") == before["refresh token"] + 1
    person.exchange(code)
    assert value("tokens_reused_total", kind="code") == before["code"] + 1


@pytest.mark.parametrize("is_away", [False, True])
async def test_refusals_that_the_audit_log_does_not_get_count(
    monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    async def append(_: AuditGateway, *events: AuditEvent) -> None:
        if is_away:
            raise Unavailable("Away.")

    monkeypatch.setattr(AuditGateway, "append", append)
    denials = Denials()
    before = value("audit_refusals_lost_total")
    for number in range(MAX_KINDS + 3):
        denials.note("login", f"kind {number}", None, None)
    denials.note("login", "kind 0", None, None)
    keeping = asyncio.create_task(denials.keep(AuditGateway.__new__(AuditGateway)))
    await asyncio.sleep(0)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    lost = 3 + (MAX_KINDS + 1 if is_away else 0)
    assert value("audit_refusals_lost_total") == before + lost

"""The audit log: every write is in it, nothing leaves it, and tampering shows."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from data_postgres_api.audit.__main__ import main
from data_postgres_api.audit.repository import AuditRepository, Tampered
from tests.security.support import PASSWORD, Person, add_user, bearer, write_note

ROOT = ("root", "administrator")


def newest(api: TestClient, **of: str) -> dict[str, object]:
    """Return the newest record with these fields."""
    items = api.get("/api/v1/audit?limit=100", headers=bearer(*ROOT)).json()["items"]
    found: dict[str, object] = next(
        item for item in items if all(item[name] == value for name, value in of.items())
    )
    return found


def test_every_write_is_in_it(api: TestClient) -> None:
    note = write_note(api, "ada")
    headers = bearer("sam", "test_keeper") | {"X-Request-ID": "audit-1"}
    api.post(f"{note}/close", headers=headers)
    created = newest(api, action="row.created", entity="test_notes")
    assert (created["who"], created["rows"]) == ("ada", [note.rsplit("/", 1)[1]])
    changed = newest(api, action="row.changed", entity="test_notes")
    assert (changed["who"], changed["request_id"]) == ("sam", "audit-1")
    assert set(changed["fields"]) >= {"status"}  # type: ignore[call-overload]
    assert newest(api, entity="test_tags")["who"] == "ada"


def test_what_matters_for_security_is_in_it(api: TestClient) -> None:
    user, login = add_user(api)
    person = Person(api, login, "wrong")
    person.submit()
    refused = newest(api, action="login", outcome="refused")
    assert (refused["who"], refused["detail"]) == (user, "wrong password")
    tokens = Person(api, login).log_in()
    assert newest(api, action="login", outcome="done")["who"] == user
    person.use_a_copy(tokens["refresh_token"])
    assert newest(api, action="refresh.reused")["outcome"] == "refused"


def test_the_end_of_a_session_is_in_it(api: TestClient) -> None:
    user, login = add_user(api)
    person = Person(api, login)
    tokens = person.log_in()
    api.post("/oauth/revoke", data={"client_id": "docs", "token": tokens["refresh_token"]})
    ended = newest(api, action="session.ended", who="docs")
    again = person.log_in()
    (session,) = person.get("/api/v1/sessions", again).json()["items"]
    assert session["id"] not in str(ended["detail"])
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    api.delete(f"/api/v1/sessions/{session['id']}", headers=headers)
    assert session["id"] in str(newest(api, action="session.ended", who=user)["detail"])


async def test_attempts_of_strangers_are_in_it(api: TestClient) -> None:
    api.post("/oauth/token", data={"client_id": "no-such-client", "client_secret": "x"})
    _, login = add_user(api)
    for _ in range(6):
        Person(api, login, "wrong").submit(csrf="made up")
        Person(api, login, "wrong").submit()
    await asyncio.sleep(3)
    assert (
        newest(api, action="token", outcome="refused")["detail"] == "not known, or a wrong secret"
    )
    items = api.get("/api/v1/audit?limit=100", headers=bearer(*ROOT)).json()["items"]
    details = [str(item["detail"]) for item in items if item["action"] == "login"]
    assert "too many attempts" in details
    # One record for all of a second, so there may be several.
    pattern = r"a form from elsewhere(?: \((\d+) times\))?$"
    forms = [re.match(pattern, detail) for detail in details]
    assert sum(int(found[1] or 1) for found in forms if found) >= 6


def test_a_wrong_current_password_is_in_it(api: TestClient) -> None:
    user, login = add_user(api)
    tokens = Person(api, login).log_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    body = {"current": "not this one", "password": "a new password, a long one"}
    for status in [422] * 5 + [429]:
        answer = api.put("/api/v1/password", json=body, headers=headers)
        assert answer.status_code == status
    assert int(answer.headers["retry-after"]) > 0
    refused = newest(api, action="password", outcome="refused")
    assert (refused["who"], refused["detail"]) == (user, "wrong password")


async def test_refusals_are_in_it_and_cannot_fill_it(api: TestClient) -> None:
    for _ in range(50):
        api.post("/api/v1/clients", headers=bearer("mallory", "test_author"))
    await asyncio.sleep(3)
    record = newest(api, action="request.refused", who="mallory")
    assert str(record["detail"]).startswith("lacks clients:write")
    items = api.get("/api/v1/audit?limit=100", headers=bearer(*ROOT)).json()["items"]
    mine = [i for i in items if (i["who"], i["action"]) == ("mallory", "request.refused")]
    assert 0 < len(mine) < 5


def test_there_is_no_secret_and_no_personal_datum_in_it(api: TestClient) -> None:
    _, login = add_user(api)
    tokens = Person(api, login).log_in()
    Person(api, login, "a wrong password").submit()
    text = api.get("/api/v1/audit?limit=100", headers=bearer(*ROOT)).text
    for secret in (login, PASSWORD, "a wrong password", *map(str, tokens.values()), "testclient"):
        assert secret not in text or secret in {"Bearer", "300"}


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET record = '{}'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
async def test_nothing_leaves_it(engine: AsyncEngine, statement: str) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (
            "UPDATE audit_log SET record = replace(record, 'ada', 'bob') WHERE sequence = {0}",
            "{0} is not what",
        ),
        ("DELETE FROM audit_log WHERE sequence = {0}", "{0} is missing"),
        ("DELETE FROM audit_log WHERE sequence >= {0}", "had"),
    ],
)
async def test_tampering_shows(
    api: TestClient, engine: AsyncEngine, tamper: str, says: str
) -> None:
    write_note(api, "ada")
    write_note(api, "bob")
    async with engine.connect() as connection, AsyncSession(connection) as session:
        log = AuditRepository(session)
        end = await log.verify()
        where = "SELECT max(sequence) FROM audit_log WHERE record LIKE '%\"ada\"%'"
        number = (await connection.execute(text(where))).scalar_one()
        # Whoever owns the database can do this, and is seen.
        await connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        await connection.execute(text(tamper.format(number)))
        session.expire_all()
        with pytest.raises(Tampered, match=says.format(number)):
            await log.verify(end)
        await connection.rollback()


async def test_a_log_that_was_made_anew_is_not_the_one_that_was_noted(
    engine: AsyncEngine, api: TestClient
) -> None:
    write_note(api, "ada")
    async with AsyncSession(engine) as session:
        end = await AuditRepository(session).verify()
        assert await AuditRepository(session).verify(end) == end
        with pytest.raises(Tampered, match="was made anew"):
            await AuditRepository(session).verify((end[0], "0" * 64))


def test_writers_at_once_make_one_chain(api: TestClient, engine: AsyncEngine) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_note(api, f"ada-{number}"), range(24)))
    assert main([]) == 0


def test_the_command_says_what_it_found(
    api: TestClient, engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    write_note(api, "ada")
    assert main([]) == 0
    printed = capsys.readouterr().out.split()
    assert main([printed[-1]]) == 0
    assert main(["1:ffff"]) == 1
    assert main(["nonsense"]) == 2

"""API1: nobody reaches what belongs to somebody else, by whatever way."""

from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chassis.security.principal import Principal, set_principal
from chassis.testing import service_token
from tests.notes import BODY, PATH
from tests.notes.tables import NoteRow
from tests.security.support import bearer

ADA, MALLORY = bearer("ada", "test_author"), bearer("mallory", "test_author")


def write(api: TestClient) -> str:
    """Write a note as Ada and return its address."""
    answer = api.post(PATH, json=BODY, headers=ADA)
    assert answer.status_code == 201, answer.text
    return f"{PATH}/{answer.json()['id']}"


def test_a_note_of_somebody_else_is_not_there(api: TestClient) -> None:
    note = write(api)
    assert api.get(note, headers=ADA).status_code == 200
    assert api.get(note, headers=MALLORY).status_code == 404
    # Also for who may close the notes of others in another role.
    assert api.post(f"{note}/close", headers=MALLORY).status_code == 403
    listed = api.get(PATH, params={"limit": 100}, headers=MALLORY).json()["items"]
    assert [item for item in listed if item["author"] != "mallory"] == []
    assert api.get(note, headers=ADA).json()["status"] == "open"


def test_a_role_for_all_reaches_everybody(api: TestClient) -> None:
    closed = api.post(f"{write(api)}/close", headers=bearer("sam", "test_keeper"))
    assert closed.json()["status"] == "closed"


def test_an_id_that_somebody_else_has_is_refused_and_not_told_of(data_api: TestClient) -> None:
    path = f"{PATH}/{uuid4()}"

    def put(subject: str) -> int:
        headers = {"Authorization": f"Bearer {service_token(subject, 'own')}"}
        return int(data_api.put(path, json=BODY, headers=headers).status_code)

    assert [put("ada"), put("ada"), put("mallory")] == [201, 200, 404]


@pytest.mark.parametrize("reach", ["own", "all"])
async def test_what_a_session_sees(api: TestClient, engine: AsyncEngine, reach: str) -> None:
    write(api)
    async with AsyncSession(engine) as session:
        set_principal(Principal("nobody-has-this-id", reach="own" if reach == "own" else "all"))
        found = (await session.scalars(select(NoteRow).limit(1))).all()
        assert bool(found) == (reach == "all")

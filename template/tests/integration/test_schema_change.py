"""A migration while the service runs: no request gets an error."""

from uuid import uuid4

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message, Receive, Scope, Send

from data_postgres_api.schema_change import SchemaChangeMiddleware
from tests.notes import BODY, PATH


async def test_a_request_with_an_invalidated_statement_is_repeated(
    data_api: TestClient, engine: AsyncEngine
) -> None:
    path = f"{PATH}/{uuid4()}"
    assert [data_api.put(path, json=BODY).status_code for _ in range(2)] == [201, 200]
    assert data_api.get(path).status_code == 200
    for size in (32, 16):
        async with engine.begin() as connection:
            change = f"ALTER TABLE tests.test_notes ALTER status TYPE varchar({size})"
            await connection.execute(text(change))
        # The body has been read by then, and is used again.
        assert data_api.put(path, json=BODY).status_code == 200
        assert data_api.get(path).status_code == 200
    await engine.dispose()  # its other connections still have the old statements


async def test_a_response_that_has_started_is_not_repeated() -> None:
    calls: list[str] = []
    sent: list[Message] = []

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append("called")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        scope["state"]["schema_changed"] = True
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await SchemaChangeMiddleware(late)({"type": "http", "state": {}}, receive, send)
    assert len(calls) == 1
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]

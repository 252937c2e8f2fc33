"""Tickets in the data service, on a real PostgreSQL."""

from uuid import uuid4

from fastapi.testclient import TestClient


def test_a_ticket_is_stored_and_closed(data_service: TestClient) -> None:
    one = f"/api/v1/tickets/{uuid4()}"
    stored = data_service.put(one, json={"title": "No light", "priority": 2}).json()
    assert data_service.get(one).json() == stored
    assert data_service.put(f"{one}/closed").json() == stored | {"is_closed": True}
    listed = data_service.get("/api/v1/tickets", params={"priority": 2}).json()["items"]
    assert stored["id"] in [ticket["id"] for ticket in listed]

"""The public API for tickets, on tickets in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from business_api.main import app
from business_api.tickets.router import get_tickets
from chassis.errors import NotFound
from chassis.testing import service_client
from contracts.tickets import NewTicket, Ticket, TicketPage, TicketQuery


class TicketsInMemory:
    """The port of the routes, without a data service."""

    def __init__(self) -> None:
        self.stored: dict[UUID, Ticket] = {}

    async def create(self, ticket_id: UUID, ticket: NewTicket) -> Ticket:
        self.stored[ticket_id] = Ticket(
            id=ticket_id,
            reporter_id="ada",
            is_closed=False,
            created_at=datetime.now(UTC),
            **ticket.model_dump(),
        )
        return self.stored[ticket_id]

    async def get(self, ticket_id: UUID) -> Ticket:
        if ticket_id not in self.stored:
            raise NotFound(f"There is no ticket {ticket_id}.")
        return self.stored[ticket_id]

    async def list(self, query: TicketQuery) -> TicketPage:
        return TicketPage(items=tuple(self.stored.values())[: query.limit])

    async def close(self, ticket_id: UUID) -> Ticket:
        closed = (await self.get(ticket_id)).model_copy(update={"is_closed": True})
        self.stored[ticket_id] = closed
        return closed


@pytest.fixture
def client() -> Iterator[TestClient]:
    tickets = TicketsInMemory()
    app.dependency_overrides[get_tickets] = lambda: tickets
    with service_client(app) as client:
        yield client
    app.dependency_overrides.clear()


def test_a_ticket_is_reported_and_closed(client: TestClient) -> None:
    answer = client.post("/api/v1/tickets", json={"title": "Printer", "priority": 1})
    assert answer.status_code == 201
    one = f"/api/v1/tickets/{answer.json()['id']}"
    assert client.get(one).json() == answer.json()
    assert client.get("/api/v1/tickets").json()["items"] == [answer.json()]
    assert client.post(f"{one}/close").json()["is_closed"] is True


def test_an_unknown_ticket_is_404(client: TestClient) -> None:
    assert client.get(f"/api/v1/tickets/{uuid4()}").status_code == 404

"""Tickets in the data service."""

from typing import Protocol
from uuid import UUID

from chassis.client import ServiceClient
from contracts.tickets import NewTicket, Ticket, TicketPage, TicketQuery

PATH = "/api/v1/tickets"


class Tickets(Protocol):
    """The port to wherever tickets are kept."""

    async def create(self, ticket_id: UUID, ticket: NewTicket) -> Ticket: ...

    async def get(self, ticket_id: UUID) -> Ticket: ...

    async def list(self, query: TicketQuery) -> TicketPage: ...

    async def close(self, ticket_id: UUID) -> Ticket: ...


class TicketsGateway:
    """Keeps tickets in the data service."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def create(self, ticket_id: UUID, ticket: NewTicket) -> Ticket:
        return await self._client.call("PUT", f"{PATH}/{ticket_id}", Ticket, body=ticket)

    async def get(self, ticket_id: UUID) -> Ticket:
        return await self._client.call("GET", f"{PATH}/{ticket_id}", Ticket)

    async def list(self, query: TicketQuery) -> TicketPage:
        params = query.model_dump(mode="json", exclude_none=True)
        return await self._client.call("GET", PATH, TicketPage, params=params)

    async def close(self, ticket_id: UUID) -> Ticket:
        return await self._client.call("PUT", f"{PATH}/{ticket_id}/closed", Ticket)

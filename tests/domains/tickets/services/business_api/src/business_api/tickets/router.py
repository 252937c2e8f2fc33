"""The public routes for tickets."""

from typing import Annotated, cast
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request

from business_api.tickets.gateway import Tickets, TicketsGateway
from chassis.client import ServiceClient
from chassis.subject import Subject
from contracts.tickets import NewTicket, Ticket, TicketPage, TicketQuery

router = APIRouter(prefix="/api/v1/tickets", tags=["tickets"])


async def get_tickets(request: Request) -> Tickets:
    """Return the port to the tickets; tests put another one in its place."""
    return TicketsGateway(cast(ServiceClient, request.app.state.data_service))


TicketsPort = Annotated[Tickets, Depends(get_tickets)]


@router.post("", status_code=201)
async def report(ticket: NewTicket, _: Subject, tickets: TicketsPort) -> Ticket:
    """Report a problem."""
    return await tickets.create(uuid4(), ticket)


@router.get("")
async def list_tickets(query: Annotated[TicketQuery, Query()], tickets: TicketsPort) -> TicketPage:
    """List the newest tickets."""
    return await tickets.list(query)


@router.get("/{ticket_id}")
async def get_ticket(ticket_id: UUID, tickets: TicketsPort) -> Ticket:
    """Return one ticket."""
    return await tickets.get(ticket_id)


@router.post("/{ticket_id}/close")
async def close(ticket_id: UUID, tickets: TicketsPort) -> Ticket:
    """Close a ticket; closing it again changes nothing."""
    return await tickets.close(ticket_id)

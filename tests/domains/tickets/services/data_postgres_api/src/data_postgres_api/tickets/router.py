"""The routes of the data service for tickets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from chassis.subject import Subject
from contracts.tickets import NewTicket, Ticket, TicketPage, TicketQuery
from data_postgres_api.database import Session
from data_postgres_api.tickets.repository import TicketRepository

router = APIRouter(prefix="/api/v1/tickets", tags=["tickets"])


async def get_repository(session: Session) -> TicketRepository:
    """Return the repository of this request's transaction."""
    return TicketRepository(session)


Repository = Annotated[TicketRepository, Depends(get_repository)]


@router.put("/{ticket_id}")
async def create_ticket(
    ticket_id: UUID, ticket: NewTicket, caller: Subject, tickets: Repository
) -> Ticket:
    """Store a ticket under an id that the caller made."""
    return await tickets.create(ticket_id, caller, ticket)


@router.get("")
async def list_tickets(query: Annotated[TicketQuery, Query()], tickets: Repository) -> TicketPage:
    """List the newest tickets."""
    return await tickets.list(query)


@router.get("/{ticket_id}")
async def get_ticket(ticket_id: UUID, tickets: Repository) -> Ticket:
    """Return one ticket."""
    return await tickets.get(ticket_id)


@router.put("/{ticket_id}/closed")
async def close_ticket(ticket_id: UUID, tickets: Repository) -> Ticket:
    """Close a ticket."""
    return await tickets.close(ticket_id)

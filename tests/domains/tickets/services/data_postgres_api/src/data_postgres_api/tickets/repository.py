"""Tickets in PostgreSQL."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from contracts.tickets import NewTicket, Ticket, TicketPage, TicketQuery
from data_postgres_api.tickets.models import TicketRow


class TicketRepository:
    """Reads and writes tickets within the transaction of `session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, ticket_id: UUID, reporter_id: str, ticket: NewTicket) -> Ticket:
        """Store a ticket; one that is there already is returned as it is."""
        row = await self._session.get(TicketRow, ticket_id)
        if row is None:
            row = TicketRow(
                id=ticket_id, reporter_id=reporter_id, is_closed=False, **ticket.model_dump()
            )
            self._session.add(row)
            await self._session.flush()
        return to_ticket(row)

    async def get(self, ticket_id: UUID) -> Ticket:
        """Return a ticket, or raise `NotFound`."""
        return to_ticket(await self._get(ticket_id))

    async def list(self, query: TicketQuery) -> TicketPage:
        """Return the newest tickets."""
        statement = select(TicketRow).order_by(TicketRow.created_at.desc()).limit(query.limit)
        if query.priority is not None:
            statement = statement.where(TicketRow.priority == query.priority)
        rows = (await self._session.scalars(statement)).all()
        return TicketPage(items=tuple(map(to_ticket, rows)))

    async def close(self, ticket_id: UUID) -> Ticket:
        """Close a ticket; one that is closed stays so."""
        row = await self._get(ticket_id)
        row.is_closed = True
        return to_ticket(row)

    async def _get(self, ticket_id: UUID) -> TicketRow:
        row = await self._session.get(TicketRow, ticket_id)
        if row is None:
            raise NotFound(f"There is no ticket {ticket_id}.")
        return row


def to_ticket(row: TicketRow) -> Ticket:
    """Return the contract of a row."""
    return Ticket(
        id=row.id,
        reporter_id=row.reporter_id,
        title=row.title,
        body=row.body,
        priority=row.priority,
        is_closed=row.is_closed,
        created_at=row.created_at,
    )

"""Reads and writes sales."""

from collections import Counter
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.sales import ArticleSales, Sales, SalesQuery, SoldOrder
from data_postgres_api.inbox.repository import is_first
from data_postgres_api.sales.models import SalesRow

CONSUMER = "sales"


class SalesRepository:
    """Adds up what was sold, within the transaction of `session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, message_id: UUID, sold: SoldOrder) -> bool:
        """Add an order; return whether this message was not added before."""
        if not await is_first(self._session, CONSUMER, message_id):
            return False
        pieces: Counter[str] = Counter()
        for line in sold.lines:
            pieces[line.sku] += line.quantity
        # In one order, so that no two orders of the same articles wait for each other.
        rows = [{"sku": sku, "quantity": pieces[sku], "orders": 1} for sku in sorted(pieces)]
        new = insert(SalesRow).values(rows)
        both = {
            "quantity": SalesRow.quantity + new.excluded.quantity,
            "orders": SalesRow.orders + new.excluded.orders,
        }
        connection = await self._session.connection()
        await connection.execute(new.on_conflict_do_update(index_elements=["sku"], set_=both))
        return True

    async def list(self, query: SalesQuery) -> Sales:
        """Return the articles that were ordered most, or the one that is asked for."""
        most = select(SalesRow).order_by(SalesRow.quantity.desc(), SalesRow.sku).limit(query.limit)
        if query.sku is not None:
            most = most.where(SalesRow.sku == query.sku)
        rows = await self._session.scalars(most)
        return Sales(
            items=tuple(
                ArticleSales(sku=row.sku, quantity=row.quantity, orders=row.orders) for row in rows
            )
        )

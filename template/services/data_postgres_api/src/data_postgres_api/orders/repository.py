"""Orders in PostgreSQL. Every write goes through the unit of work, which checks the version."""

from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError

from chassis.errors import Conflict, NotFound
from contracts.money import Money, Price
from contracts.orders import (
    NewOrder,
    Order,
    OrderLine,
    OrderPage,
    OrderQuery,
    OrderStatus,
    OrderSummary,
    StatusChange,
)
from data_postgres_api.orders.cursor import Cursor
from data_postgres_api.orders.models import OrderLineRow, OrderRow


class OrderRepository:
    """Reads and writes orders within the transaction of `session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, order_id: UUID, customer_id: str, order: NewOrder) -> tuple[Order, bool]:
        """Store an order; return it, and whether it is new.

        The same order again is returned as it is now. Raises `Conflict` when the id belongs to an
        order of other content.
        """
        row = await self._find(order_id)
        if row is None:
            row = _new_row(order_id, customer_id, order)
            try:
                async with self._session.begin_nested():
                    self._session.add(row)
                return to_order(row), True
            except IntegrityError:
                # Somebody else stored this id between our look and our insert, or it is a bug.
                row = await self._find(order_id)
                if row is None:
                    raise
        stored = to_order(row)
        wanted = (customer_id, order.lines, order.total)
        if (stored.customer_id, stored.lines, stored.total) != wanted:
            raise Conflict(f"Order {order_id} exists with other content.")
        return stored, False

    async def get(self, order_id: UUID) -> Order:
        """Return an order, or raise `NotFound`."""
        return to_order(await self._get(order_id))

    async def list(self, query: OrderQuery) -> OrderPage:
        """Return a part of the list, newest first; raise `Invalid` for a cursor from elsewhere."""
        newest = (OrderRow.created_at.desc(), OrderRow.id.desc())
        statement = select(OrderRow).order_by(*newest).limit(query.limit + 1)
        if query.status is not None:
            statement = statement.where(OrderRow.status == query.status)
        if query.cursor is not None:
            after = Cursor.decode(query.cursor, query.status)
            statement = statement.where(
                tuple_(OrderRow.created_at, OrderRow.id) < (after.created_at, after.order_id)
            )
        rows = (await self._session.scalars(statement)).all()
        shown = rows[: query.limit]
        cursor = None
        if len(rows) > query.limit:
            cursor = Cursor(shown[-1].created_at, shown[-1].id, query.status).encode()
        return OrderPage(items=tuple(to_summary(row) for row in shown), next_cursor=cursor)

    async def change_status(self, order_id: UUID, change: StatusChange) -> Order:
        """Move an order to another state; one that is there already stays as it is.

        Raises `NotFound`, or `Conflict` when the order is no longer at `change.version`.
        """
        row = await self._get(order_id)
        if row.status == change.status:
            return to_order(row)
        stale = Conflict(f"Order {order_id} was changed by somebody else. Read it and try again.")
        if row.version != change.version:
            raise stale
        row.status = change.status
        try:
            await self._session.flush()
        except StaleDataError as error:
            raise stale from error
        return to_order(row)

    async def _find(self, order_id: UUID) -> OrderRow | None:
        return await self._session.get(OrderRow, order_id, options=[joinedload(OrderRow.lines)])

    async def _get(self, order_id: UUID) -> OrderRow:
        row = await self._find(order_id)
        if row is None:
            raise NotFound(f"There is no order {order_id}.")
        return row


def _new_row(order_id: UUID, customer_id: str, order: NewOrder) -> OrderRow:
    return OrderRow(
        id=order_id,
        customer_id=customer_id,
        status=OrderStatus.PLACED,
        currency=order.total.currency,
        total=order.total.amount,
        lines=[
            OrderLineRow(
                position=position,
                sku=line.sku,
                quantity=line.quantity,
                unit_amount=line.unit_price.amount,
            )
            for position, line in enumerate(order.lines)
        ],
    )


def to_summary(row: OrderRow) -> OrderSummary:
    """Return the contract of a row as lists show it."""
    return OrderSummary(
        id=row.id,
        customer_id=row.customer_id,
        status=OrderStatus(row.status),
        total=Money(amount=row.total, currency=row.currency),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def to_order(row: OrderRow) -> Order:
    """Return the contract of a row and its lines."""
    lines = tuple(
        OrderLine(
            sku=line.sku,
            quantity=line.quantity,
            unit_price=Price(amount=line.unit_amount, currency=row.currency),
        )
        for line in row.lines
    )
    return Order(**dict(to_summary(row)), lines=lines)

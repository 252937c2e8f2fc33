"""Tells the first delivery of a message from all others."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.inbox import ForgetQuery
from data_postgres_api.inbox.models import InboxRow


async def is_first(session: AsyncSession, consumer: str, message_id: UUID) -> bool:
    """Note a message in the transaction of its effect; return whether it was not there yet.

    Of two deliveries at once the second waits for the first: it is the first one after all when
    that is rolled back.
    """
    connection = await session.connection()
    note = insert(InboxRow).values(consumer=consumer, message_id=message_id)
    done = await connection.execute(note.on_conflict_do_nothing())
    return done.rowcount == 1


async def forget(session: AsyncSession, query: ForgetQuery) -> int:
    """Forget old messages; one of them that is delivered again has its effect again."""
    connection = await session.connection()
    key = tuple_(InboxRow.consumer, InboxRow.message_id)
    oldest = (
        select(InboxRow.consumer, InboxRow.message_id)
        .where(InboxRow.received_at < func.now() - timedelta(days=query.days))
        .order_by(InboxRow.received_at)
        .limit(query.limit)
    )
    done = await connection.execute(delete(InboxRow).where(key.in_(oldest)))
    return done.rowcount

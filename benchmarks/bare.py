"""The baseline: one FastAPI process with SQLAlchemy and asyncpg, on the same rows.

It runs in the environment of a rendered project, whose models, contracts and the step between
them it shares.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from contracts.orders import Order, OrderPage
from data_postgres_api.orders.models import OrderRow
from data_postgres_api.orders.repository import to_order, to_summary


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the connection pool."""
    engine = create_async_engine(os.environ["BARE_URL"])
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One session a request."""
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.get("/api/v1/orders")
async def list_orders(session: Session, limit: int = 20) -> OrderPage:
    """List the newest orders."""
    statement = (
        select(OrderRow).order_by(OrderRow.created_at.desc(), OrderRow.id.desc()).limit(limit)
    )
    rows = (await session.scalars(statement)).all()
    return OrderPage(items=tuple(to_summary(row) for row in rows), next_cursor=None)


@app.get("/api/v1/orders/{order_id}")
async def get_order(order_id: UUID, session: Session) -> Order:
    """Return one order."""
    row = await session.get(OrderRow, order_id, options=[joinedload(OrderRow.lines)])
    if row is None:
        raise HTTPException(404)
    return to_order(row)

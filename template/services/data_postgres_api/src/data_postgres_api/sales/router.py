"""The routes of the data service for sales; only other services call them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from contracts.sales import Added, Sales, SalesQuery, SoldOrder
from data_postgres_api.database import Session
from data_postgres_api.sales.repository import SalesRepository

router = APIRouter(prefix="/api/v1/sales", tags=["sales"])


async def get_repository(session: Session) -> SalesRepository:
    """Return the repository of this request's transaction."""
    return SalesRepository(session)


Repository = Annotated[SalesRepository, Depends(get_repository)]


@router.put("/messages/{message_id}")
async def add_order(message_id: UUID, sold: SoldOrder, sales: Repository) -> Added:
    """Add what a message tells of, the first time that it is delivered; after that, nothing."""
    return Added(is_first=await sales.add(message_id, sold))


@router.get("")
async def list_sales(query: Annotated[SalesQuery, Query()], sales: Repository) -> Sales:
    """List what was sold, the articles that were ordered most first."""
    return await sales.list(query)

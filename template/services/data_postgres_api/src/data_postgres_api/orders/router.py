"""The routes of the data service for orders; only other services call them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from chassis.subject import Subject
from contracts.orders import NewOrder, Order, OrderPage, OrderQuery, StatusChange
from data_postgres_api.database import Session
from data_postgres_api.orders.repository import OrderRepository

router = APIRouter(prefix="/api/v1/orders", tags=["orders"])


async def get_repository(session: Session) -> OrderRepository:
    """Return the repository of this request's transaction."""
    return OrderRepository(session)


Repository = Annotated[OrderRepository, Depends(get_repository)]


@router.put("/{order_id}", responses={201: {"model": Order}})
async def create_order(
    order_id: UUID, order: NewOrder, caller: Subject, orders: Repository, response: Response
) -> Order:
    """Store an order under an id that the caller made: 201 the first time, 200 when repeated."""
    stored, is_new = await orders.create(order_id, caller, order)
    response.status_code = 201 if is_new else 200
    return stored


@router.get("")
async def list_orders(query: Annotated[OrderQuery, Query()], orders: Repository) -> OrderPage:
    """List orders, the newest first."""
    return await orders.list(query)


@router.get("/{order_id}")
async def get_order(order_id: UUID, orders: Repository) -> Order:
    """Return one order."""
    return await orders.get(order_id)


@router.put("/{order_id}/status")
async def change_status(order_id: UUID, change: StatusChange, orders: Repository) -> Order:
    """Move an order to another state, if it still has the version that the caller has read."""
    return await orders.change_status(order_id, change)

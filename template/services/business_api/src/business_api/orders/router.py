"""The public routes for orders."""

from typing import Annotated, cast
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Query, Request

from business_api.orders.gateway import OrdersGateway
from business_api.orders.use_cases import Orders, move_order, place_order
from chassis.client import ServiceClient
from chassis.subject import Subject
from contracts.base import Contract
from contracts.orders import Order, OrderLines, OrderPage, OrderQuery, OrderStatus

router = APIRouter(prefix="/api/v1/orders", tags=["orders"])


async def get_orders(request: Request) -> Orders:
    """Return the port to the orders; tests put another one in its place."""
    return OrdersGateway(cast(ServiceClient, request.app.state.data_service))


OrdersPort = Annotated[Orders, Depends(get_orders)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Made by the client. Send it again with a request whose answer was lost.",
    ),
]


class PlaceOrder(Contract):
    """An order to be placed: 1 to 100 lines in one currency."""

    lines: OrderLines


@router.post("", status_code=201)
async def place(
    order: PlaceOrder, caller: Subject, orders: OrdersPort, key: IdempotencyKey = None
) -> Order:
    """Place an order for the calling customer; with the same key again, it is the same order."""
    order_id = uuid4() if key is None else uuid5(NAMESPACE_OID, f"{caller}/{key}")
    return await place_order(orders, order_id, order.lines)


@router.get("")
async def list_orders(query: Annotated[OrderQuery, Query()], orders: OrdersPort) -> OrderPage:
    """List orders, the newest first; pass `next_cursor` as `cursor` for those that follow."""
    return await orders.list(query)


@router.get("/{order_id}")
async def get_order(order_id: UUID, orders: OrdersPort) -> Order:
    """Return one order."""
    return await orders.get(order_id)


@router.post("/{order_id}/pay")
async def pay(order_id: UUID, orders: OrdersPort) -> Order:
    """Note that a placed order is paid; paying it again changes nothing."""
    return await move_order(orders, order_id, OrderStatus.PAID)


@router.post("/{order_id}/ship")
async def ship(order_id: UUID, orders: OrdersPort) -> Order:
    """Note that a paid order is on its way; shipping it again changes nothing."""
    return await move_order(orders, order_id, OrderStatus.SHIPPED)


@router.post("/{order_id}/cancel")
async def cancel(order_id: UUID, orders: OrdersPort) -> Order:
    """Cancel an order that has not been shipped; cancelling it again changes nothing."""
    return await move_order(orders, order_id, OrderStatus.CANCELLED)

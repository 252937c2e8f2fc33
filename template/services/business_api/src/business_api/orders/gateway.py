"""Orders in the data service: the port of the use cases over HTTP."""

from uuid import UUID

from chassis.client import ServiceClient
from contracts.orders import NewOrder, Order, OrderPage, OrderQuery, StatusChange

PATH = "/api/v1/orders"


class OrdersGateway:
    """Keeps orders in the data service; raises what `chassis.client.ServiceClient` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def create(self, order_id: UUID, order: NewOrder) -> Order:
        return await self._client.call("PUT", f"{PATH}/{order_id}", Order, body=order)

    async def get(self, order_id: UUID) -> Order:
        return await self._client.call("GET", f"{PATH}/{order_id}", Order)

    async def list(self, query: OrderQuery) -> OrderPage:
        params = query.model_dump(mode="json", exclude_none=True)
        return await self._client.call("GET", PATH, OrderPage, params=params)

    async def change_status(self, order_id: UUID, change: StatusChange) -> Order:
        return await self._client.call("PUT", f"{PATH}/{order_id}/status", Order, body=change)

"""Orders in the business service."""

from uuid import UUID

from chassis.client import ServiceClient
from contracts.orders import Order, OrderPage, OrderQuery

PATH = "/api/v1/orders"


class OrdersGateway:
    """Asks the business service; raises what `chassis.client.ServiceClient` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def list(self, query: OrderQuery) -> OrderPage:
        params = query.model_dump(mode="json", exclude_none=True)
        return await self._client.call("GET", PATH, OrderPage, params=params)

    async def get(self, order_id: UUID) -> Order:
        return await self._client.call("GET", f"{PATH}/{order_id}", Order)

    async def cancel(self, order_id: UUID) -> Order:
        return await self._client.call("POST", f"{PATH}/{order_id}/cancel", Order)

"""Files of orders: callers who can read an order can attach and read its files."""

from uuid import UUID

from business_api.orders.gateway import OrdersGateway
from chassis.client import ServiceClient
from chassis.errors import NotFound
from contracts.orders import Order


class OrderSubject:
    """The port to orders. The customer owns the files of an order, even if staff uploads them."""

    type = "order"

    async def may_attach(self, client: ServiceClient, subject_id: str) -> str:
        return (await self._get(client, subject_id)).customer_id

    async def may_read(self, client: ServiceClient, subject_id: str) -> None:
        await self._get(client, subject_id)

    async def _get(self, client: ServiceClient, subject_id: str) -> Order:
        try:
            order_id = UUID(subject_id)
        except ValueError:
            raise NotFound(f"There is no order {subject_id}.") from None
        return await OrdersGateway(client).get(order_id)


SUBJECTS = (OrderSubject(),)

"""Files of orders: whoever sees an order may attach files to it, and read them."""

from uuid import UUID

from business_api.orders.gateway import OrdersGateway
from chassis.client import ServiceClient
from chassis.errors import NotFound
from contracts.orders import Order


class OrderSubject:
    """Answers for orders. The files of an order belong to its customer, whoever has sent them."""

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

"""Adds up what was sold, from the orders that were placed."""

import logging

from chassis.client import ServiceClient
from chassis.errors import Conflict, Invalid
from contracts.order_events import OrderPlaced
from contracts.sales import Added, SoldOrder
from messaging.reader import Rejected

log = logging.getLogger(__name__)


class SalesHandler:
    """Tells the data service of an order, under the id of the event: twice is once."""

    def __init__(self, data_service: ServiceClient) -> None:
        self._data_service = data_service

    async def __call__(self, event: OrderPlaced) -> None:
        """Raise `Rejected` when the data service refuses it for good."""
        path = f"/api/v1/sales/messages/{event.id}"
        sold = SoldOrder(lines=event.order.lines)
        try:
            added = await self._data_service.call("PUT", path, Added, body=sold)
        except (Invalid, Conflict) as error:
            raise Rejected(f"The data service refuses it: {error.detail}") from error
        known = "" if added.is_first else ", once more"
        log.info("order %s was sold%s", event.order.id, known)

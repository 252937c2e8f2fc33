"""Which events sales follow from."""

from typing import Any

from business_worker.sales.handler import SalesHandler
from chassis.client import ServiceClient
from contracts.order_events import OrderPlaced
from messaging.reader import Subscription


def subscriptions(client: ServiceClient) -> list[Subscription[Any]]:
    """Return what is read from the queue `business_worker.sales`."""
    return [Subscription("sales", OrderPlaced, SalesHandler(client))]

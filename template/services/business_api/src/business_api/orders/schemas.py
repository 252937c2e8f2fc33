"""The public requests about orders; their answers are the contracts themselves."""

from contracts.base import Contract
from contracts.orders import OrderLines


class PlaceOrder(Contract):
    """An order to be placed: 1 to 100 lines in one currency."""

    lines: OrderLines

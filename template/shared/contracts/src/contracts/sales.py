"""What was sold, on the wire: added up from the orders that were placed."""

from pydantic import Field

from contracts.base import Contract
from contracts.orders import OrderLines


class SoldOrder(Contract):
    """What an order adds to the sales."""

    lines: OrderLines


class Added(Contract):
    """Whether a message had its effect now, and not before."""

    is_first: bool


class ArticleSales(Contract):
    """How many pieces of an article were ordered, and by how many orders."""

    sku: str
    quantity: int
    orders: int


class SalesQuery(Contract):
    """How many articles are listed, or which one alone."""

    sku: str | None = Field(default=None, min_length=1, max_length=64)
    limit: int = Field(default=20, ge=1, le=100)


class Sales(Contract):
    """The articles that were ordered most, the first of them first."""

    items: tuple[ArticleSales, ...]

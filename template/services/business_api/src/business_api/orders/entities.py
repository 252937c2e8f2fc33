"""The rules of an order: no framework, no transport, no storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chassis.errors import Conflict, Invalid
from contracts.orders import OrderStatus

# From each state, the states that may follow it.
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PLACED: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; amounts of different currencies do not add up."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise Invalid(
                f"An order has one currency; this one mixes {self.currency} and {other.currency}."
            )
        return Money(self.amount + other.amount, self.currency)

    def times(self, count: int) -> "Money":
        return Money(self.amount * count, self.currency)


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one article at a price."""

    quantity: int
    unit_price: Money


def total(lines: Sequence[Line]) -> Money:
    """Return the price of all lines; raise `Invalid` for none, or for more than one currency."""
    if not lines:
        raise Invalid("An order has at least one line.")
    first, *rest = (line.unit_price.times(line.quantity) for line in lines)
    return sum(rest, start=first)


def check_move(current: OrderStatus, target: OrderStatus) -> None:
    """Raise `Conflict` unless an order in state `current` may move to `target`."""
    allowed = TRANSITIONS[current]
    if target not in allowed:
        may = " or ".join(sorted(allowed)) or "nothing else"
        raise Conflict(f"The order is {current}; it can become {may}, not {target}.")

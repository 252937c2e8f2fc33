"""The rules of an order: no framework, no transport, no storage."""

from collections.abc import Sequence
from decimal import Decimal

from chassis.errors import Conflict, Invalid
from contracts.money import Money
from contracts.orders import OrderLine, OrderStatus

# From each state, the states that may follow it.
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PLACED: frozenset({OrderStatus.PAID, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}


def total(lines: Sequence[OrderLine]) -> Money:
    """Return the price of all lines; raise `Invalid` for none, or for more than one currency."""
    if not lines:
        raise Invalid("An order has at least one line.")
    currency, *others = sorted({line.unit_price.currency for line in lines})
    if others:
        raise Invalid(f"An order has one currency; this one mixes {currency} and {others[0]}.")
    amounts = (line.unit_price.amount * line.quantity for line in lines)
    return Money(amount=sum(amounts, Decimal()), currency=currency)


def check_move(current: OrderStatus, target: OrderStatus) -> None:
    """Raise `Conflict` unless an order in state `current` may move to `target`."""
    allowed = TRANSITIONS[current]
    if target not in allowed:
        may = " or ".join(sorted(allowed)) or "nothing else"
        raise Conflict(f"The order is {current}; it can become {may}, not {target}.")

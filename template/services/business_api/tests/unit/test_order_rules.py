"""The rules of an order."""

from contextlib import nullcontext
from decimal import Decimal

import pytest

from business_api.orders.entities import check_move, total
from chassis.errors import Conflict, Invalid
from contracts.money import Money, Price
from contracts.orders import OrderLine, OrderStatus


def line(amount: str, quantity: int = 1, currency: str = "EUR") -> OrderLine:
    price = Price(amount=Decimal(amount), currency=currency)
    return OrderLine(sku="TEA", quantity=quantity, unit_price=price)


def test_the_total_is_exact() -> None:
    half = Money(amount=Decimal("0.50"), currency="EUR")
    assert total([line("0.10", 3), line("0.20")]) == half


def test_an_order_has_one_currency() -> None:
    with pytest.raises(Invalid, match="mixes EUR and USD"):
        total([line("1"), line("1", currency="USD")])


def test_an_order_has_a_line() -> None:
    with pytest.raises(Invalid, match="at least one line"):
        total([])


@pytest.mark.parametrize(
    ("current", "may_become"),
    [
        ("placed", {"paid", "cancelled"}),
        ("paid", {"shipped", "cancelled"}),
        ("shipped", set()),
        ("cancelled", set()),
    ],
)
def test_an_order_moves_only_where_its_state_leads(current: str, may_become: set[str]) -> None:
    for target in OrderStatus:
        with nullcontext() if target in may_become else pytest.raises(Conflict, match=current):
            check_move(OrderStatus(current), target)

"""The rules of an order."""

from decimal import Decimal

import pytest

from business_api.orders.entities import Line, Money, check_move, total
from chassis.errors import Conflict, Invalid
from contracts.orders import OrderStatus


def line(amount: str, quantity: int = 1, currency: str = "EUR") -> Line:
    return Line(quantity, Money(Decimal(amount), currency))


def test_the_total_is_exact() -> None:
    assert total([line("0.10", 3), line("0.20")]) == Money(Decimal("0.50"), "EUR")


def test_an_order_has_one_currency() -> None:
    with pytest.raises(Invalid, match="mixes EUR and USD"):
        total([line("1"), line("1", currency="USD")])


def test_an_order_has_a_line() -> None:
    with pytest.raises(Invalid, match="at least one line"):
        total([])


@pytest.mark.parametrize(
    ("current", "target"),
    [("placed", "paid"), ("placed", "cancelled"), ("paid", "shipped"), ("paid", "cancelled")],
)
def test_a_move_is_allowed(current: str, target: str) -> None:
    check_move(OrderStatus(current), OrderStatus(target))


@pytest.mark.parametrize(
    ("current", "target"),
    [("placed", "shipped"), ("shipped", "cancelled"), ("cancelled", "paid"), ("paid", "placed")],
)
def test_a_move_is_refused(current: str, target: str) -> None:
    with pytest.raises(Conflict, match=f"The order is {current}"):
        check_move(OrderStatus(current), OrderStatus(target))

"""The contracts refuse what must not cross a service boundary."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.money import Money
from contracts.orders import NewOrder

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.5", "currency": "EUR"}}
TOTAL = {"amount": "9", "currency": "EUR"}


def test_money_travels_as_text_with_two_decimals() -> None:
    money = Money(amount=Decimal("9.9"), currency="EUR")
    assert money.model_dump_json() == '{"amount":"9.90","currency":"EUR"}'


@pytest.mark.parametrize(
    "amount",
    ["-1", "-0", "1.234", "NaN", "Infinity", "1e40", "", "1,5", "\u0663", 9.9, 9, True, None],
)
def test_money_refuses(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0},
        {"quantity": 2.5},
        {"quantity": "2"},
        {"quantity": True},
        {"quantity": 10_001},
        {"sku": ""},
        {"sku": "TEA\x00"},
        {"colour": "green"},
        {"unit_price": {"amount": "1", "currency": "euro"}},
        {"unit_price": {"amount": "1000000.00", "currency": "EUR"}},
    ],
)
def test_a_line_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewOrder.model_validate({"lines": [LINE | change], "total": TOTAL})


@pytest.mark.parametrize(
    ("lines", "currency", "reason"),
    [([], "EUR", "at least 1"), ([LINE] * 101, "EUR", "at most 100"), ([LINE], "USD", "currency")],
)
def test_an_order_refuses(lines: list[Any], currency: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        NewOrder.model_validate({"lines": lines, "total": TOTAL | {"currency": currency}})


def test_lines_are_counted_before_they_are_read() -> None:
    with pytest.raises(ValidationError) as caught:
        NewOrder.model_validate({"lines": [{}] * 10_000, "total": TOTAL})
    assert caught.value.error_count() == 1


def test_the_schema_announces_every_bound() -> None:
    line = NewOrder.model_json_schema()["$defs"]["OrderLine"]["properties"]
    assert (line["quantity"]["minimum"], line["quantity"]["maximum"]) == (1, 10_000)
    assert line["sku"]["pattern"]

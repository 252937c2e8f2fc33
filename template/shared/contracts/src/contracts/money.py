"""Money on the wire: a decimal amount as text and an ISO 4217 currency, never a float."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from contracts.base import Contract

CENT = Decimal("0.01")
PATTERN = r"^\d{1,%d}(\.\d{1,2})?$"


def _reads(digits: int) -> Callable[[Any], Decimal]:
    """Return what makes an amount with two decimals of text such as "9.9", or of a `Decimal`."""
    matches = re.compile(PATTERN % digits, re.ASCII).fullmatch

    def read(value: Any) -> Decimal:
        text = str(value) if isinstance(value, Decimal) else value
        if not isinstance(text, str) or not matches(text):
            many = f"at most {digits} digits before the point and two behind it"
            raise ValueError(f'an amount is text such as "9.90", with {many}')
        return Decimal(text).quantize(CENT)

    return read


def _describes(digits: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": PATTERN % digits, "examples": ["9.90"]})


AsText = PlainSerializer(str, when_used="json")


class Money(Contract):
    """An amount of one currency, of at most 16 digits before the point."""

    amount: Annotated[Decimal, PlainValidator(_reads(16)), AsText, _describes(16)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Price(Money):
    """The price of one piece: below a million, so that every total fits into `Money`."""

    amount: Annotated[Decimal, PlainValidator(_reads(6)), AsText, _describes(6)]

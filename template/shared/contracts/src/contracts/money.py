"""Money on the wire: a decimal amount as text and an ISO 4217 currency, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from contracts.base import Contract

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Exact:
    """Marks a decimal of at most `digits` digits before the point and two behind it, not negative.

    It is read from text such as "9.9" or from a `Decimal`, and always has two decimals.
    """

    digits: int

    @property
    def pattern(self) -> str:
        return rf"^\d{{1,{self.digits}}}(\.\d{{1,2}})?$"

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        matches = re.compile(self.pattern, re.ASCII).fullmatch
        refusal = (
            f'an amount is text such as "9.90", with at most {self.digits} digits before the point '
            "and two behind it"
        )

        def read(value: Any) -> Decimal:
            text = str(value) if isinstance(value, Decimal) else value
            if not isinstance(text, str) or not matches(text):
                raise ValueError(refusal)
            amount = Decimal(text)
            return amount if text[-3:-2] == "." else amount.quantize(CENT)

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, _: Any, __: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": self.pattern, "examples": ["9.90"]}


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Money(Contract):
    """An amount of one currency."""

    amount: Annotated[Decimal, Exact(digits=16)]
    currency: Currency


class Price(Money):
    """The price of one piece: below a million, so that every total fits into `Money`."""

    amount: Annotated[Decimal, Exact(digits=6)]

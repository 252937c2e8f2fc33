"""Money on the wire: a decimal amount and an ISO 4217 currency, never a float."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from contracts.base import Contract

CENT = Decimal("0.01")


def _cents(amount: Decimal) -> Decimal:
    # Adding zero turns -0.00 into 0.00, which would otherwise travel on as a negative price.
    return amount.quantize(CENT) + 0


Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2), AfterValidator(_cents)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Money(Contract):
    """An amount with exactly two decimals; it travels as a string, such as "9.90"."""

    amount: Amount
    currency: Currency

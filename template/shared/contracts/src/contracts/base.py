"""The base of every contract: immutable, and strict about fields that it does not know."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Contract(BaseModel):
    """A message between services; an unknown field is an error, so a typo never passes unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _whole(value: Any) -> Any:
    # To JSON, 2.0 is an integer; "2" and true are none.
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Lets a strict integer be what JSON calls one; it stands behind the bounds of the field."""

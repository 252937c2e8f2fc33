"""The base of every contract: immutable, and strict about fields that it does not know."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A message between services; an unknown field is an error, so a typo never passes unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

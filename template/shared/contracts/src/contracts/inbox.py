"""The inbox on the wire: which messages had their effect, and how long that is remembered."""

from pydantic import Field

from contracts.base import Contract


class ForgetQuery(Contract):
    """Messages that are older than so many days are forgotten, `limit` of them at a time."""

    days: int = Field(ge=1, le=3650)
    limit: int = Field(default=5000, ge=1, le=10_000)


class Forgotten(Contract):
    """How many messages were forgotten."""

    messages: int

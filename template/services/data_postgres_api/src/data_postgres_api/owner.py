"""Whose rows a table holds: each model declares it in one line, `__owner__`.

Levels 1 to 3 keep the declaration. Level 4 enforces it on every statement: a caller who is confined
to their own rows reads and writes no others. It refuses such a caller a model without one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """A row belongs to the subject that this column holds: `OwnedBy("author_id")`."""

    column: str


@dataclass(frozen=True, slots=True)
class OwnedThrough:
    """A row belongs to the owner of the row in this foreign key: `OwnedThrough("list_id")`."""

    foreign_key: str


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows have no owner: the policy of the routes alone decides who reads and writes them."""


SHARED = Shared()
Owner = OwnedBy | OwnedThrough | Shared

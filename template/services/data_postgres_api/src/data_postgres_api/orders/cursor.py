"""The keyset cursor of the list of orders: where the last part ended, as opaque text."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chassis.errors import Invalid

KIND = "orders"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place behind one order in the list of one status, or of all, newest first."""

    created_at: datetime
    order_id: UUID
    status: str | None

    def encode(self) -> str:
        """Return the cursor as text that fits in a query string as it is."""
        parts = [KIND, self.status or "", self.created_at.isoformat(), str(self.order_id)]
        return base64.urlsafe_b64encode("|".join(parts).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, status: str | None) -> "Cursor":
        """Read a cursor of the list of `status`; raise `Invalid` for one from elsewhere."""
        try:
            padded = text + "=" * (-len(text) % 4)
            decoded = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
            kind, of_status, created_at, order_id = decoded.split("|")
            when = datetime.fromisoformat(created_at)
            if when.tzinfo is None:
                raise ValueError
            # To UTC here: what overflows would be an error of the database.
            cursor = cls(when.astimezone(UTC), UUID(order_id), of_status or None)
        except (ValueError, OverflowError):
            kind, cursor = "", None
        if cursor is None or kind != KIND or cursor.status != status:
            raise Invalid(
                "The cursor does not belong to this list. "
                "Use next_cursor of its last answer, or leave it out to begin anew.",
                [{"field": "query.cursor", "message": "not a cursor of this list"}],
            )
        return cursor

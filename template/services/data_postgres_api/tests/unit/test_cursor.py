"""The cursor of the list of orders."""

import base64
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from chassis.errors import Invalid
from data_postgres_api.orders.cursor import Cursor

CURSOR = Cursor(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), uuid4(), "paid")


def test_a_cursor_survives_the_way_to_the_client_and_back() -> None:
    assert Cursor.decode(CURSOR.encode(), "paid") == CURSOR


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "not a cursor",
        "日本",
        encoded("orders|paid|yesterday|1"),
        encoded(f"orders|paid|2026-01-01T00:00:00|{uuid4()}"),
        encoded(f"orders|paid|0001-01-01T00:00:00+14:00|{uuid4()}"),
        encoded(f"payments|paid|2026-01-01T00:00:00+00:00|{uuid4()}"),
        Cursor(CURSOR.created_at, CURSOR.order_id, None).encode(),
    ],
)
def test_a_cursor_from_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="does not belong to this list"):
        Cursor.decode(text, "paid")

"""The notices about orders."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from business_bot.notices.reading import find_notices
from contracts.money import Money
from contracts.order_events import OrderCancelled, OrderPaid, OrderPlaced, OrderState
from contracts.orders import OrderStatus


def test_an_order_that_is_placed_is_told_with_a_button_that_shows_it() -> None:
    state = OrderState(
        id=UUID(int=1),
        customer_id="customer-1",
        status=OrderStatus.PLACED,
        lines=(),
        total=Money(amount=Decimal("9.00"), currency="EUR"),
        version=1,
        created_at=datetime.now(UTC),
    )
    told = {notice.event: notice for notice in find_notices()}
    assert told.keys() == {OrderPlaced, OrderPaid, OrderCancelled}
    event, notice = OrderPlaced(order=state), told[OrderPlaced]
    assert notice.said(event) == "Order placed: 9.00 EUR, by customer-1"
    keyboard = notice.buttons(event)
    assert keyboard is not None
    assert keyboard.inline_keyboard[0][0].callback_data == f"show:{UUID(int=1).hex}"

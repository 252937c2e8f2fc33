"""The notices about orders."""

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from business_bot.notices.handler import Notice
from business_bot.orders.buttons import Show
from business_bot.orders.texts import money
from contracts.order_events import OrderCancelled, OrderEvent, OrderPaid, OrderPlaced


def said(event: OrderEvent) -> str:
    """Return what people read."""
    order = event.order
    return f"Order {order.status}: {money(order.total)}, by {order.customer_id}"


def button(event: OrderEvent) -> InlineKeyboardMarkup:
    """Return the button that shows the order."""
    show = InlineKeyboardButton(text="Show it", callback_data=Show(id=event.order.id).pack())
    return InlineKeyboardMarkup(inline_keyboard=[[show]])


NOTICES = [
    Notice("placed", OrderPlaced, said, button),
    Notice("paid", OrderPaid, said, button),
    Notice("cancelled", OrderCancelled, said, button),
]

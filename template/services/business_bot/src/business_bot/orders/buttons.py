"""The buttons under messages. What one carries comes back when it is pressed, at most 64 bytes."""

from collections.abc import Iterable
from uuid import UUID

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from business_bot.orders.texts import may_be_cancelled, short
from contracts.orders import OrderSummary


class Show(CallbackData, prefix="show"):
    """Show this order."""

    id: UUID


class Cancel(CallbackData, prefix="cancel"):
    """Begin to cancel this order."""

    id: UUID


class Sure(CallbackData, prefix="sure"):
    """Whether this order is to be cancelled."""

    id: UUID
    is_sure: bool


class More(CallbackData, prefix="more"):
    """List what follows; where, the conversation remembers."""


def _button(text: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=data.pack())


def to_show(orders: Iterable[OrderSummary], *, more: bool) -> InlineKeyboardMarkup:
    """Return a button an order, and one for those that follow."""
    rows = [[_button(short(order), Show(id=order.id))] for order in orders]
    if more:
        rows.append([_button("More", More())])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def to_cancel(orders: Iterable[OrderSummary]) -> InlineKeyboardMarkup:
    """Return a button for each order that may still be cancelled."""
    rows = [
        [_button(short(order), Cancel(id=order.id))] for order in orders if may_be_cancelled(order)
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def under(order: OrderSummary) -> InlineKeyboardMarkup | None:
    """Return what can be done with an order that is shown."""
    if not may_be_cancelled(order):
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button("Cancel it", Cancel(id=order.id))]])


def yes_or_no(order_id: UUID) -> InlineKeyboardMarkup:
    """Return the answers to whether an order is to be cancelled."""
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                _button("Yes, cancel it", Sure(id=order_id, is_sure=True)),
                _button("No", Sure(id=order_id, is_sure=False)),
            ]
        ]
    )

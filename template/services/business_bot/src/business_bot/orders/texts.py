"""How orders read in a chat: plain text, so that nothing in them can become markup."""

from contracts.money import Money
from contracts.orders import Order, OrderStatus, OrderSummary

MAX_LINES = 30


def money(amount: Money) -> str:
    """Return an amount with its currency."""
    return f"{amount.amount} {amount.currency}"


def short(order: OrderSummary) -> str:
    """Return an order as the words on a button."""
    return f"{order.created_at:%d %b %H:%M} · {money(order.total)} · {order.status}"


def long(order: Order) -> str:
    """Return an order with its lines; of a very long one the first."""
    lines = [
        f"{line.quantity} x {line.sku} at {line.unit_price.amount}"
        for line in order.lines[:MAX_LINES]
    ]
    if len(order.lines) > MAX_LINES:
        lines.append(f"and {len(order.lines) - MAX_LINES} lines more")
    return "\n".join(
        [
            f"Order {order.id}",
            f"{order.status}, {money(order.total)}",
            f"placed {order.created_at:%Y-%m-%d %H:%M} UTC by {order.customer_id}",
            "",
            *lines,
        ]
    )


def may_be_cancelled(order: OrderSummary) -> bool:
    """Whether it is worth a button; the business service decides."""
    return order.status in {OrderStatus.PLACED, OrderStatus.PAID}

"""What people can say, and what then happens."""

from typing import Protocol
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command, CommandObject, CommandStart, StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import BotCommand, CallbackQuery, Message

from business_bot.orders import buttons, texts
from business_bot.orders.buttons import Cancel, More, Show, Sure
from business_bot.telegram import say
from contracts.orders import Order, OrderPage, OrderQuery

PAGE = 8
COMMANDS = [
    BotCommand(command="orders", description="List the newest orders"),
    BotCommand(command="order", description="Show an order: /order and its number"),
    BotCommand(command="cancel", description="Cancel an order"),
    BotCommand(command="stop", description="Leave what was begun"),
    BotCommand(command="help", description="Say what can be done"),
]
HELP = "\n".join(f"/{each.command}: {each.description}" for each in COMMANDS)
NO_NUMBER = "This is no number of an order. It looks like 0b8f6a5e-6d0c-4c1e-9a3b-2f4d5c6b7a81."


class Orders(Protocol):
    """The port to the orders; raises the errors of `chassis.errors`."""

    async def list(self, query: OrderQuery) -> OrderPage: ...

    async def get(self, order_id: UUID) -> Order: ...

    async def cancel(self, order_id: UUID) -> Order: ...


class Cancelling(StatesGroup):
    """The conversation in which an order is cancelled."""

    which = State()
    sure = State()


class OrdersRouter:
    """Answers about orders; each method is one thing that people can say or press."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    async def help(self, message: Message) -> None:
        await say(message, HELP)

    async def list(self, message: Message, state: FSMContext) -> None:
        await self._page(message, state, None)

    async def more(self, press: CallbackQuery, state: FSMContext) -> None:
        cursor: str | None = (await state.get_data()).get("cursor")
        await self._page(press, state, cursor)

    async def show(self, message: Message, command: CommandObject) -> None:
        order_id = read_id(command.args)
        if order_id is None:
            await say(message, NO_NUMBER if command.args else "Which one? /order and its number.")
        else:
            await self._show(message, order_id)

    async def show_pressed(self, press: CallbackQuery, callback_data: Show) -> None:
        await self._show(press, callback_data.id)

    async def cancel(self, message: Message, command: CommandObject, state: FSMContext) -> None:
        if command.args:
            await self.which(message, state, command.args)
            return
        page = await self._orders.list(OrderQuery(limit=PAGE))
        await state.set_state(Cancelling.which)
        await say(
            message, "Which order? Choose one, or send its number.", buttons.to_cancel(page.items)
        )

    async def which(self, message: Message, state: FSMContext, given: str | None = None) -> None:
        order_id = read_id(given or message.text)
        if order_id is None:
            await say(message, f"{NO_NUMBER} /stop leaves it.")
        else:
            await self._ask(message, state, order_id)

    async def cancel_pressed(
        self, press: CallbackQuery, callback_data: Cancel, state: FSMContext
    ) -> None:
        await self._ask(press, state, callback_data.id)

    async def sure(self, press: CallbackQuery, callback_data: Sure, state: FSMContext) -> None:
        # A button stays under its message for ever; it counts while the question is the last one.
        asked: str | None = (await state.get_data()).get("order")
        if await state.get_state() != Cancelling.sure or asked != str(callback_data.id):
            await say(press, "That question is over.")
            return
        await state.set_state(None)
        if not callback_data.is_sure:
            await say(press, "The order stays as it is.")
            return
        order = await self._orders.cancel(callback_data.id)
        await say(press, f"Order {order.id} is {order.status}.")

    async def stop(self, message: Message, state: FSMContext) -> None:
        begun = await state.get_state()
        await state.clear()
        await say(message, "Left. Nothing was changed." if begun else "Nothing was begun.")

    async def anything_else(self, message: Message) -> None:
        await say(message, f"I do not know that.\n\n{HELP}")

    async def any_other_press(self, press: CallbackQuery) -> None:
        await say(press, "That button is of an earlier version.")

    async def _page(
        self, event: Message | CallbackQuery, state: FSMContext, cursor: str | None
    ) -> None:
        page = await self._orders.list(OrderQuery(limit=PAGE, cursor=cursor))
        await state.update_data(cursor=page.next_cursor)
        if not page.items:
            await say(event, "There are no orders yet." if cursor is None else "That was all.")
            return
        keyboard = buttons.to_show(page.items, more=page.next_cursor is not None)
        await say(event, "The newest orders:" if cursor is None else "Older orders:", keyboard)

    async def _show(self, event: Message | CallbackQuery, order_id: UUID) -> None:
        order = await self._orders.get(order_id)
        await say(event, texts.long(order), buttons.under(order))

    async def _ask(self, event: Message | CallbackQuery, state: FSMContext, order_id: UUID) -> None:
        order = await self._orders.get(order_id)
        if not texts.may_be_cancelled(order):
            await say(event, f"Order {order.id} is {order.status}: it cannot be cancelled.")
            return
        await state.set_state(Cancelling.sure)
        await state.update_data(order=str(order_id))
        text = f"{texts.long(order)}\n\nIs it to be cancelled?"
        await say(event, text, buttons.yes_or_no(order_id))


def read_id(text: str | None) -> UUID | None:
    """Return the number of an order, None for anything else."""
    try:
        return UUID((text or "").strip())
    except ValueError:
        return None


def make_router(orders: Orders) -> Router:
    """Return what `OrdersRouter` answers, by what was said; the first that fits is it."""
    answers, router = OrdersRouter(orders), Router(name="orders")
    router.message(CommandStart())(answers.help)
    router.message(Command("help"))(answers.help)
    router.message(Command("orders"))(answers.list)
    router.message(Command("order"))(answers.show)
    router.message(Command("cancel"))(answers.cancel)
    router.message(Command("stop"))(answers.stop)
    router.message(StateFilter(Cancelling.which), F.text)(answers.which)
    router.message()(answers.anything_else)
    router.callback_query(Show.filter())(answers.show_pressed)
    router.callback_query(More.filter())(answers.more)
    router.callback_query(Cancel.filter())(answers.cancel_pressed)
    router.callback_query(Sure.filter())(answers.sure)
    router.callback_query()(answers.any_other_press)
    return router

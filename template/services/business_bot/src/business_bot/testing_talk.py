"""A conversation for tests, so that the bot is proven whatever people talk about with it.

"/water" asks which plant and, when there is one, whether it is to be watered.
"""

import asyncio

from aiogram import F, Router
from aiogram.filters import Command, StateFilter
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from business_bot.telegram import say

HELP = "/water: Water a plant"


class Water(CallbackData, prefix="water"):
    """The button that waters a plant."""

    plant: str


class Watering(StatesGroup):
    """The conversation in which a plant is watered."""

    which = State()


class Talk:
    """Answers people; `error` is raised instead, and `slow` is waited for before a plant is wet."""

    def __init__(self) -> None:
        self.watered: list[str] = []
        self.error: Exception | None = None
        self.slow: asyncio.Event | None = None
        self.begun = asyncio.Event()

    async def help(self, message: Message) -> None:
        if self.error is not None:
            raise self.error
        await say(message, HELP)

    async def water(self, message: Message, state: FSMContext) -> None:
        await state.set_state(Watering.which)
        await say(message, "Which plant?")

    async def which(self, message: Message, state: FSMContext) -> None:
        await state.clear()
        yes = InlineKeyboardButton(text="Yes", callback_data=Water(plant=message.text or "").pack())
        keyboard = InlineKeyboardMarkup(inline_keyboard=[[yes]])
        await say(message, f"Water the {message.text}?", keyboard)

    async def yes(self, press: CallbackQuery, callback_data: Water) -> None:
        self.begun.set()
        if self.slow is not None:
            await self.slow.wait()
        self.watered.append(callback_data.plant)
        await say(press, f"The {callback_data.plant} is wet.")

    async def anything_else(self, message: Message) -> None:
        await say(message, f"I do not know that.\n\n{HELP}")

    def router(self) -> Router:
        """Return what decides which of these answers."""
        router = Router(name="talk")
        router.message(Command("help"))(self.help)
        router.message(Command("water"))(self.water)
        router.message(StateFilter(Watering.which), F.text)(self.which)
        router.message()(self.anything_else)
        router.callback_query(Water.filter())(self.yes)
        return router

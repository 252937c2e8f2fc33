"""As whom somebody acts: by a role, of which the business service knows what it permits."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, User
from pydantic_settings import BaseSettings, SettingsConfigDict

from business_bot.settings import Person
from chassis.security.principal import Principal, set_principal

USER, READER = "bot_user", "bot_reader"


class RoleSettings(BaseSettings):
    """Who acts in the role `bot_reader`, as JSON; everybody in `BOT_USERS` acts as `bot_user`."""

    model_config = SettingsConfigDict(env_prefix="BOT_")

    readers: frozenset[Person] = frozenset()


class Roles(BaseMiddleware):
    """Makes the calls of an action those of the person who acts."""

    def __init__(self, users: frozenset[int], readers: frozenset[int]) -> None:
        self._roles = dict.fromkeys(readers, READER) | dict.fromkeys(users, USER)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: User | None = data.get("event_from_user")
        role = None if user is None else self._roles.get(user.id)
        # An update is answered in a task of its own, so nothing has to be taken back.
        set_principal(None)
        if user is not None and role is not None:
            set_principal(Principal(f"telegram:{user.id}", frozenset({role})))
        return await handler(event, data)

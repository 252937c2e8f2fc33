"""Where the state of conversations is: in Redis, so that it outlives a new start of the bot."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiogram import BaseMiddleware
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.fsm.storage.redis import RedisEventIsolation, RedisStorage
from aiogram.types import TelegramObject, Update
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from chassis.redis import RedisSettings, connect
from chassis.settings import read_settings

log = logging.getLogger(__name__)

FORGET_SECONDS = 24 * 60 * 60
# Somebody waits for an answer, but not for a page to be built.
REDIS_SECONDS = 5


class Isolation(RedisEventIsolation):
    """Answers what one person does one thing after the other, whichever replica it comes to."""

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncGenerator[None, None]:
        """Hold the lock of a person; that it cannot be given back spoils no answer.

        It ends by itself after a minute, and a release whose answer was lost is made once more.
        """
        name = self.key_builder.build(key, "lock")
        lock = self.redis.lock(name=name, **self.lock_kwargs, lock_class=Lock)
        if not await lock.acquire():
            raise LockError("another action of this person did not end")
        try:
            yield
        finally:
            try:
                await lock.release()
            except RedisError as error:
                log.warning("the lock of a conversation was not given back: %s", error)


class AnsweredOnce(BaseMiddleware):
    """Skips an update that was answered before.

    Telegram delivers an update again when it has not seen it confirmed, for example because the bot
    was killed right after its answer. Telegram keeps updates for a day; so does Redis.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if not isinstance(event, Update):
            raise TypeError(f"AnsweredOnce is a middleware of updates, not of {type(event)}.")
        key = f"answered:{data['bot'].id}:{event.update_id}"
        if await self._redis.exists(key):
            log.info("update %d was delivered again and is skipped", event.update_id)
            return None
        answer = await handler(event, data)
        try:
            await self._redis.set(key, 1, ex=FORGET_SECONDS)
        except RedisError as error:
            log.warning("update %d may be answered again: %s", event.update_id, error)
        return answer


def answered_once(storage: BaseStorage) -> list[BaseMiddleware]:
    """Return the middleware that remembers answered updates next to the conversations."""
    return [AnsweredOnce(storage.redis)] if isinstance(storage, RedisStorage) else []


@asynccontextmanager
async def redis_storage() -> AsyncIterator[tuple[RedisStorage, Isolation]]:
    """Keep what was begun with somebody for a day."""
    settings = read_settings(RedisSettings).model_copy(update={"timeout_seconds": REDIS_SECONDS})
    async with connect(settings) as redis:
        storage = RedisStorage(redis, state_ttl=FORGET_SECONDS, data_ttl=FORGET_SECONDS)
        yield storage, Isolation(redis)

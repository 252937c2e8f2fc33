"""Where the state of conversations is: in Redis, so that it outlives a new start of the bot."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from aiogram.fsm.storage.base import StorageKey
from aiogram.fsm.storage.redis import RedisEventIsolation, RedisStorage
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


@asynccontextmanager
async def redis_storage() -> AsyncIterator[tuple[RedisStorage, Isolation]]:
    """Keep what was begun with somebody for a day."""
    settings = read_settings(RedisSettings).model_copy(update={"timeout_seconds": REDIS_SECONDS})
    async with connect(settings) as redis:
        storage = RedisStorage(redis, state_ttl=FORGET_SECONDS, data_ttl=FORGET_SECONDS)
        yield storage, Isolation(redis)

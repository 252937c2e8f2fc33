"""Where conversations are without Redis: in memory, so a new start of the bot forgets them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiogram.fsm.storage.memory import MemoryStorage, SimpleEventIsolation


@asynccontextmanager
async def memory_storage() -> AsyncIterator[tuple[MemoryStorage, SimpleEventIsolation]]:
    """Return the storage, and what answers one person's actions in their order."""
    yield MemoryStorage(), SimpleEventIsolation()

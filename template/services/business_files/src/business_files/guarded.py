"""A circuit breaker around the object store."""

import io
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

from business_files.store import Objects
from chassis.resilience import CircuitBreaker, ResilienceSettings
from chassis.settings import read_settings


class GuardedObjects(Objects):
    """Refuses calls immediately while `inner` fails."""

    def __init__(self, inner: Objects) -> None:
        self.inner = inner
        settings = read_settings(ResilienceSettings)
        self._breaker = CircuitBreaker(
            "object store", settings.breaker_failures, settings.breaker_open_seconds
        )

    async def put(
        self, key: str, content: AsyncIterator[bytes], headers: Mapping[str, str] | None = None
    ) -> None:
        async with self._breaker.call():
            await self.inner.put(key, content, headers)

    async def copy(self, key: str, target: str) -> None:
        async with self._breaker.call():
            await self.inner.copy(key, target)

    async def size(self, key: str) -> int:
        async with self._breaker.call():
            return await self.inner.size(key)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        async with aclosing(self.inner.read(key, start, end)) as content:
            # The first bytes show whether the store works; slow clients do not count.
            async with self._breaker.call():
                try:
                    first = await anext(content)
                except StopAsyncIteration:
                    return
            yield first
            async for chunk in content:
                yield chunk

    async def delete(self, key: str) -> None:
        async with self._breaker.call():
            await self.inner.delete(key)

    async def list(self, folder: str | None = None) -> AsyncIterator[list[object]]:
        async for part in self.inner.list(folder):
            yield part

    def reader(self, key: str) -> io.BufferedReader:
        return self.inner.reader(key)

    async def check(self) -> None:
        async with self._breaker.watch():
            await self.inner.check()

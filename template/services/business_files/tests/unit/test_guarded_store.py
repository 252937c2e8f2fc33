"""While the object store is in trouble, nobody waits for it."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from business_files.guarded import GuardedObjects
from business_files.store import Objects
from business_files.testing import chunks
from chassis.errors import Unavailable
from chassis.resilience import Refused


class Away(Objects):
    """A store that does not work, and counts who asked it."""

    def __init__(self) -> None:
        self.asked = 0

    def _fail(self) -> None:
        self.asked += 1
        raise Unavailable("The object store does not work at the moment.")

    async def put(self, key: str, content: AsyncIterator[bytes], headers: Any = None) -> None:
        self._fail()

    async def size(self, key: str) -> int:
        if key == "gone":
            raise FileNotFoundError
        self._fail()
        return 0

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        self._fail()
        yield b""

    async def check(self) -> None:
        self.asked += 1


@pytest.fixture
def away() -> Away:
    return Away()


async def test_after_some_failures_the_store_is_left_alone(away: Away) -> None:
    guarded = GuardedObjects(away)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await guarded.size("a")
        with pytest.raises(Unavailable):
            await guarded.put("a", chunks(b"a"))
    with pytest.raises(Unavailable):
        await anext(guarded.read("a"))
    for _ in range(10):
        with pytest.raises(Refused):
            await guarded.size("a")
    assert away.asked == 5
    await guarded.check()
    with pytest.raises(Unavailable, match="moment"):
        await guarded.size("a")


async def test_an_object_that_is_not_there_is_no_trouble(away: Away) -> None:
    guarded = GuardedObjects(away)
    for _ in range(20):
        with pytest.raises(FileNotFoundError):
            await guarded.size("gone")

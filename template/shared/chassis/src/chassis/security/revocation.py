"""Which logins have been ended: every process knows within seconds, without asking each time."""

import asyncio
import logging
import math
import time
from collections.abc import Iterable

from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from chassis.errors import Unavailable

log = logging.getLogger(__name__)

KEY = "revoked"
POLL_SECONDS = 1.0
# As long as any token may live, with the clocks of all machines apart.
REMEMBER_SECONDS = 3600 + 300

READABLE = Gauge(
    "revocations_readable",
    "Whether the list of what was revoked could be read last time: 1 yes, 0 no.",
    multiprocess_mode="livemin",
)


class Revocations:
    """Follows the list of what was revoked in Redis: sessions and clients, by their ids.

    While Redis does not answer, what is known goes on to count for `grace_seconds`; after that
    nobody can tell who has been locked out, and every token is refused with 503.
    """

    def __init__(self, redis: Redis, remember_seconds: float, grace_seconds: float) -> None:
        self._redis = redis
        self._remember = remember_seconds
        self._grace = grace_seconds
        self._revoked: frozenset[str] = frozenset()
        # Who has not read the list yet knows nothing that could count for a while.
        self._seen = -math.inf
        self._fails = False

    async def revoke(self, ids: Iterable[str]) -> None:
        """Add to the list, for as long as a token may live; raise `Unavailable` without Redis."""
        try:
            async with self._redis.pipeline() as pipeline:
                self.add(pipeline, ids)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise Unavailable("The sessions cannot be reached.") from error

    def add(self, pipeline: Pipeline, ids: Iterable[str]) -> None:
        """Let `pipeline` add to the list, so that it happens together with something else."""
        now = time.time()
        entries = dict.fromkeys(ids, now)
        if not entries:
            return
        pipeline.zadd(KEY, entries)
        pipeline.zremrangebyscore(KEY, 0, now - self._remember)
        pipeline.expire(KEY, int(self._remember) + 60)
        self._revoked |= entries.keys()

    def refuses(self, *ids: str | None) -> bool:
        """Return whether one of `ids` was revoked; raise `Unavailable` when nobody can tell."""
        if time.monotonic() - self._seen > self._grace:
            raise Unavailable("Nobody can tell at the moment whether this session has been ended.")
        return not self._revoked.isdisjoint(ids)

    async def follow(self) -> None:
        """Read the list again and again, until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(POLL_SECONDS)

    async def read(self) -> None:
        """Read the list once; what keeps it from being read is logged."""
        try:
            since = time.time() - self._remember
            found = await self._redis.zrangebyscore(KEY, since, "+inf")
            self._revoked = frozenset(map(str, found))
            self._seen = time.monotonic()
            self._say(None)
        except (RedisError, OSError) as error:
            self._say(error)

    def _say(self, error: Exception | None) -> None:
        """Log what has changed, and not every second that it is still so."""
        READABLE.set(error is None)
        if error is not None and not self._fails:
            log.warning("the list of revoked sessions cannot be read: %r", error)
        elif error is None and self._fails:
            log.warning("the list of revoked sessions can be read again")
        self._fails = error is not None

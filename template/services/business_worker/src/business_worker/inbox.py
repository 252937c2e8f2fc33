"""What the data service remembers of messages, as the worker keeps it short."""

import asyncio

from chassis.client import ServiceClient
from chassis.errors import Unavailable
from contracts.inbox import ForgetQuery, Forgotten

AWAY_SECONDS = 60
BETWEEN_SECONDS = 2


class InboxGateway:
    """Forgets messages of which no copy is expected any more."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def forget(self, days: int) -> str:
        """Forget what is older than `days`, a part at a time; return what was done.

        A data service that is away is waited for, as it is when both have just been started; raise
        `Unavailable` after a minute of that.
        """
        query, number = ForgetQuery(days=days), 0
        while True:
            done = await self._forget_part(query)
            number += done.messages
            if done.messages < query.limit:
                return f"{number} messages"

    async def _forget_part(self, query: ForgetQuery) -> Forgotten:
        params, loop = query.model_dump(mode="json"), asyncio.get_running_loop()
        until = loop.time() + AWAY_SECONDS
        while True:
            try:
                return await self._client.call("DELETE", "/api/v1/inbox", Forgotten, params=params)
            except Unavailable:
                if loop.time() >= until:
                    raise
            await asyncio.sleep(BETWEEN_SECONDS)

"""What the data service remembers of messages, as the worker keeps it short."""

from chassis.client import ServiceClient
from contracts.inbox import ForgetQuery, Forgotten


class InboxGateway:
    """Forgets messages of which no copy is expected any more."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def forget(self, days: int) -> str:
        """Forget what is older than `days`, a part at a time; return what was done."""
        query, number = ForgetQuery(days=days), 0
        while True:
            params = query.model_dump(mode="json")
            done = await self._client.call("DELETE", "/api/v1/inbox", Forgotten, params=params)
            number += done.messages
            if done.messages < query.limit:
                return f"{number} messages"

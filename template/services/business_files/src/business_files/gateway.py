"""The rows of files, in the data service."""

from uuid import UUID

from chassis.client import ServiceClient
from contracts.files import (
    Expiry,
    FileChange,
    FileWork,
    Keys,
    Lease,
    StoredFile,
    StoredFiles,
)

PATH = "/api/v1/files"


class FilesGateway:
    """Reads and changes rows; raises what `chassis.client.ServiceClient` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def get(self, file_id: UUID) -> StoredFile:
        return await self._client.call("GET", f"{PATH}/{file_id}", StoredFile)

    async def change(self, file_id: UUID, change: FileChange) -> StoredFile:
        return await self._client.call("PUT", f"{PATH}/{file_id}/state", StoredFile, body=change)

    async def lease(self, work: FileWork, limit: int, seconds: int) -> tuple[StoredFile, ...]:
        """Lease files that need `work`; no other process receives them for `seconds`."""
        wanted = Lease(work=work, limit=limit, seconds=seconds)
        found = await self._client.call("POST", f"{PATH}/leases", StoredFiles, body=wanted)
        return found.items

    async def expire(self, seconds: int) -> tuple[StoredFile, ...]:
        """Expire files whose content did not arrive within `seconds`; return them."""
        wanted = Expiry(seconds=seconds)
        found = await self._client.call("POST", f"{PATH}/expirations", StoredFiles, body=wanted)
        return found.items

    async def ready(self, after: UUID | None) -> tuple[StoredFile, ...]:
        """Return a page of ready files in the order of their IDs, beginning behind `after`."""
        params = {} if after is None else {"after": str(after)}
        found = await self._client.call("GET", f"{PATH}/ready", StoredFiles, params=params)
        return found.items

    async def known(self, keys: tuple[str, ...]) -> frozenset[str]:
        """Return those of the keys that belong to a file."""
        found = await self._client.call("POST", f"{PATH}/known", Keys, body=Keys(keys=keys))
        return frozenset(found.keys)

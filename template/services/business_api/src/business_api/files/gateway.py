"""Files in the data service: the port of the use cases over HTTP."""

from uuid import UUID

from chassis.client import ServiceClient
from contracts.files import FileChange, FileQuery, NewFile, StoredFile, StoredFiles, SubjectRef

PATH = "/api/v1/files"


class FilesGateway:
    """Keeps files in the data service; raises what `chassis.client.ServiceClient` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def create(self, file_id: UUID, file: NewFile) -> StoredFile:
        return await self._client.call("PUT", f"{PATH}/{file_id}", StoredFile, body=file)

    async def get(self, file_id: UUID) -> StoredFile:
        return await self._client.call("GET", f"{PATH}/{file_id}", StoredFile)

    async def list(self, query: FileQuery) -> StoredFiles:
        params = query.model_dump(mode="json", exclude_none=True)
        return await self._client.call("GET", PATH, StoredFiles, params=params)

    async def change(self, file_id: UUID, change: FileChange) -> StoredFile:
        return await self._client.call("PUT", f"{PATH}/{file_id}/state", StoredFile, body=change)

    async def attach(self, file_id: UUID, subject: SubjectRef) -> StoredFile:
        return await self._client.call("PUT", _attachment(file_id, subject), StoredFile)

    async def detach(self, file_id: UUID, subject: SubjectRef) -> StoredFile:
        return await self._client.call("DELETE", _attachment(file_id, subject), StoredFile)


def _attachment(file_id: UUID, subject: SubjectRef) -> str:
    return f"{PATH}/{file_id}/attachments/{subject.type}/{subject.id}"

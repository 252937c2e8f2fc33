"""Notes in the business service."""

from typing import Annotated, cast
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Query, Request

from business_api.main import app as app
from chassis.client import ServiceClient
from chassis.subject import Subject
from tests.notes import PATH, NewNote, Note, NotePage, NoteQuery

router = APIRouter(prefix=PATH, tags=["notes"])


async def get_client(request: Request) -> ServiceClient:
    return cast(ServiceClient, request.app.state.data_service)


Client = Annotated[ServiceClient, Depends(get_client)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


@router.post("", status_code=201)
async def write(note: NewNote, caller: Subject, client: Client, key: Key = None) -> Note:
    note_id = uuid4() if key is None else uuid5(NAMESPACE_OID, f"{caller}/{key}")
    return await client.call("PUT", f"{PATH}/{note_id}", Note, body=note)


@router.get("")
async def list_notes(query: Annotated[NoteQuery, Query()], client: Client) -> NotePage:
    params = query.model_dump(mode="json", exclude_none=True)
    return await client.call("GET", PATH, NotePage, params=params)


@router.get("/{note_id}")
async def get_note(note_id: UUID, client: Client) -> Note:
    return await client.call("GET", f"{PATH}/{note_id}", Note)


@router.post("/{note_id}/close")
async def close(note_id: UUID, client: Client) -> Note:
    return await client.call("PUT", f"{PATH}/{note_id}/closed", Note)


app.include_router(router)

"""The routes of the data service for the inbox; only other services call them."""

from typing import Annotated

from fastapi import APIRouter, Query

from contracts.inbox import ForgetQuery, Forgotten
from data_postgres_api.database import Session
from data_postgres_api.inbox.repository import forget

router = APIRouter(prefix="/api/v1/inbox", tags=["inbox"])


@router.delete("")
async def forget_messages(query: Annotated[ForgetQuery, Query()], session: Session) -> Forgotten:
    """Forget that old messages had their effect; call again while it is as many as `limit`."""
    return Forgotten(messages=await forget(session, query))

"""The routes of the data service for the audit log; only other services call them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from contracts.audit import AuditAppended, AuditEvents, AuditPage
from data_postgres_api.audit.repository import AuditRepository
from data_postgres_api.database import Session
from data_postgres_api.standby import from_primary

# Who may do what is decided by these rows: a user who was blocked is blocked now.
router = APIRouter(prefix="/api/v1/audit", tags=["audit"], dependencies=[Depends(from_primary)])


async def _repository(session: Session) -> AuditRepository:
    return AuditRepository(session)


Repository = Annotated[AuditRepository, Depends(_repository)]


@router.post("", status_code=201)
async def append_events(events: AuditEvents, audit: Repository) -> AuditAppended:
    """Append security events, which no row shows."""
    return await audit.append(events.events)


@router.get("")
async def list_records(
    audit: Repository,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> AuditPage:
    """Return a part of the log, the newest first."""
    return await audit.page(limit, before)

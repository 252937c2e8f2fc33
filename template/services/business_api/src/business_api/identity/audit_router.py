"""The audit log, for those whose role may read it."""

from typing import Annotated, cast

from fastapi import APIRouter, Query, Request

from business_api.identity.gateway import AuditGateway
from chassis.client import ServiceClient
from contracts.audit import AuditPage

router = APIRouter(prefix="/api/v1", tags=["audit"])


@router.get("/audit")
async def read_audit_log(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> AuditPage:
    """Return a part of the audit log, the newest first."""
    audit = AuditGateway(cast(ServiceClient, request.app.state.data_service))
    return await audit.page(limit, before)

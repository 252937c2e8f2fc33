"""Puts users, ownership and the audit log into the service."""

from fastapi import Depends, FastAPI

from data_postgres_api.audit.log import audit_all_writes
from data_postgres_api.audit.router import router as audit
from data_postgres_api.identity.router import router as identity
from data_postgres_api.ownership.enforcement import enforce_ownership
from data_postgres_api.standby import from_primary


def accountability(app: FastAPI) -> None:
    """Serve users and the audit log, and watch over every session of the process."""
    enforce_ownership()
    audit_all_writes()
    # Who may do what is decided by these rows: a user who was blocked is blocked now.
    for router in (identity, audit):
        app.include_router(router, dependencies=[Depends(from_primary)])

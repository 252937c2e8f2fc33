"""Puts users, ownership and the audit log into the service."""

from fastapi import FastAPI

from data_postgres_api.audit.log import audit_all_writes
from data_postgres_api.audit.router import router as audit
from data_postgres_api.identity.router import router as identity
from data_postgres_api.ownership import confine_to_owner


def accountability(app: FastAPI) -> None:
    """Serve users and the audit log, and watch over every session of the process."""
    confine_to_owner()
    audit_all_writes()
    app.include_router(identity)
    app.include_router(audit)

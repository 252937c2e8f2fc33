"""Puts ownership and the audit log into the service."""

from fastapi import FastAPI

from data_postgres_api.audit.log import audit_all_writes
from data_postgres_api.ownership.enforcement import enforce_ownership


def accountability(_: FastAPI) -> None:
    """Watch over every session of the process."""
    enforce_ownership()
    audit_all_writes()

"""Puts sales, and the inbox that keeps them right, into the service."""

from fastapi import FastAPI

from data_postgres_api.inbox.router import router as inbox
from data_postgres_api.sales.router import router as sales


def keeps_sales(app: FastAPI) -> None:
    """Serve the routes that the worker calls."""
    for router in (sales, inbox):
        app.include_router(router)

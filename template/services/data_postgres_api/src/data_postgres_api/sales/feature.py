"""Puts sales into the service."""

from fastapi import FastAPI

from data_postgres_api.sales.router import router


def keeps_sales(app: FastAPI) -> None:
    """Serve the routes that the worker calls."""
    app.include_router(router)

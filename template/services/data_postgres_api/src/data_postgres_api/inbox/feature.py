"""Puts the inbox into the service: which messages had their effect."""

from fastapi import FastAPI

from data_postgres_api.inbox.router import router


def remembers_messages(app: FastAPI) -> None:
    """Serve the routes by which consumers forget old messages."""
    app.include_router(router)

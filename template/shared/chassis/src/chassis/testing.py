"""How tests reach a service: as a caller whom it accepts, at every level."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from fastapi.testclient import TestClient

from chassis.caller import CALLER_HEADER


@contextmanager
def service_client(app: FastAPI, customer_id: str = "customer-1") -> Iterator[TestClient]:
    """Start `app` and yield a client that calls it as `customer_id`; server errors are answers."""
    headers = {CALLER_HEADER: customer_id}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        yield client

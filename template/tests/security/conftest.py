"""The system as it is guarded: the business service before the data service, with a real Redis."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from testcontainers.core.container import DockerContainer

from chassis.testing import ISSUER
from tests.notes.business_policy import app
from tests.redis_server import redis_server
from tests.security.issuer import Issuer

if TYPE_CHECKING:
    from conftest import DataServer


@pytest.fixture(scope="session")
def redis() -> Iterator[DockerContainer]:
    """An empty Redis; the environment points to it."""
    with redis_server() as container, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_HOST", container.get_container_host_ip())
        patch.setenv("REDIS_PORT", str(container.get_exposed_port(6379)))
        patch.setenv("REDIS_PASSWORD", "test")
        yield container


@pytest.fixture
def api(
    redis: DockerContainer, data_server: "DataServer", monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A client without a token, which nothing lets through but the policy."""
    monkeypatch.setenv("DATA_SERVICE_URL", data_server.url)
    with TestClient(app, base_url=ISSUER, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer elsewhere, with a key of its own."""
    served = Issuer()
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()

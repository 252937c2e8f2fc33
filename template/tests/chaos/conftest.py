"""Both services as processes, with a network between each two of them that can be made bad."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from sqlalchemy import URL
from testcontainers.core.container import DockerContainer

from chassis.testing import access_token
from tests.chaos.support import PLACES, Collector, Network, Service, eventually
from tests.redis_server import redis_server


@dataclass(frozen=True)
class System:
    """The running system, and the networks to its parts."""

    business: Service
    data: Service
    redis: DockerContainer
    collector: Collector
    to_data: Network
    to_postgres: Network
    to_redis: Network
    to_collector: Network
    client: httpx2.Client

    def heal(self) -> None:
        """Repair everything, and wait until it works again."""
        for network in (self.to_data, self.to_postgres, self.to_redis, self.to_collector):
            network.heal()
        eventually(lambda: self.client.get("/api/v1/orders?limit=1").is_success, 30)


@pytest.fixture(scope="module")
def running(database: URL) -> Iterator[System]:
    """The system, for all tests of a file."""
    with redis_server() as redis:
        to_postgres = Network(os.environ["POSTGRES_HOST"], int(os.environ["POSTGRES_PORT"]))
        to_redis = Network(redis.get_container_host_ip(), int(redis.get_exposed_port(6379)))
        collector = Collector()
        to_collector = Network("127.0.0.1", collector.port)
        traced = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{to_collector.port}",
            "OTEL_TRACES_SAMPLER_ARG": "1",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        data = Service(
            "data_postgres_api",
            {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(to_postgres.port)} | traced,
        )
        to_data = Network("127.0.0.1", data.port)
        business = Service(
            "business_api",
            {
                "DATA_SERVICE_URL": f"http://127.0.0.1:{to_data.port}",
                "DATA_SERVICE_TIMEOUT_SECONDS": "2",
                "CLIENT_BREAKER_OPEN_SECONDS": "1",
                "CLIENT_BULKHEAD_CALLS": str(PLACES),
                "REQUEST_TIMEOUT_SECONDS": "5",
                "REDIS_PORT": str(to_redis.port),
                "REDIS_PASSWORD": "test",
                "REVOCATION_GRACE_SECONDS": "5",
            }
            | traced,
        )
        client = httpx2.Client(
            base_url=business.url,
            headers={"Authorization": f"Bearer {access_token('ada', 'customer', 'staff')}"},
            timeout=15,
        )
        try:
            data.start()
            business.start()
            networks = (to_data, to_postgres, to_redis, to_collector)
            yield System(business, data, redis, collector, *networks, client)
        finally:
            client.close()
            business.kill()
            data.kill()
            for network in (to_data, to_postgres, to_redis, to_collector):
                network.close()
            collector.close()


@pytest.fixture
def system(running: System) -> Iterator[System]:
    """The system, whole before each test and after it."""
    running.heal()
    yield running
    running.heal()

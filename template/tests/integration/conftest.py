"""A real RabbitMQ for the tests that need one."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from messaging.settings import RabbitSettings


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitSettings]:
    """A broker in a container."""
    container = (
        DockerContainer("rabbitmq:4.3-management")
        .with_env("RABBITMQ_DEFAULT_USER", "app")
        .with_env("RABBITMQ_DEFAULT_PASS", "test")
        .with_exposed_ports(5672)
        .waiting_for(LogMessageWaitStrategy("Server startup complete"))
    )
    with container:
        yield RabbitSettings(
            host=container.get_container_host_ip(),
            port=int(container.get_exposed_port(5672)),
            password=SecretStr("test"),
        )

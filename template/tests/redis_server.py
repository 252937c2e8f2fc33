"""A Redis in a container, for the tests of what is kept there."""

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

IMAGE = "redis:8"


def redis_server() -> DockerContainer:
    """Return an empty Redis with the password "test"; use it as a context manager."""
    return (
        DockerContainer(IMAGE)
        .with_command("redis-server --requirepass test")
        .with_exposed_ports(6379)
        .waiting_for(LogMessageWaitStrategy("Ready to accept connections"))
    )

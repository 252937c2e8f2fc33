"""One production stack of level 4 with every module: built and started once for a run."""

from collections.abc import Iterator

import pytest

from extensions.stages import Combination
from tests.stacks.level_4.system import OVERRIDE, PASSWORD, RECEIVERS, RECORDER, System
from tests.support.docker import require_docker, stack
from tests.support.edge import ALLOWED, Edge
from tests.support.events import listen
from tests.support.matrix import ALL
from tests.support.ports import free_port
from tests.support.project import NEWEST, start

# The tests that break a part come last, because alerts of what they break would reach the others.
ORDER = ("test_gateway.py", "test_security.py", "test_alerts.py", "test_logs.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files in an order in which none disturbs the next."""
    items.sort(key=lambda item: ORDER.index(item.path.name) if item.path.name in ORDER else -1)


# Until the last test of this folder: an idle stack still runs its health checks and scrapes.
@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system as `make prod` starts it, with two replicas of each service."""
    require_docker()
    folder = tmp_path_factory.mktemp("level_4") / "shop"
    project = start(folder, Combination(4, ALL), {"python_version": NEWEST})
    with stack(project) as running:
        http, https = free_port(), free_port()
        settings = {
            "PUBLIC_HTTP_PORT": http,
            "PUBLIC_HTTPS_PORT": https,
            "ISSUER_URL": f"https://localhost:{https}",
            "CORS_ORIGINS": " ".join(ALLOWED),
            "RATE_LIMIT": 1000,
            "RATE_BURST": 1000,
            "WRITE_RATE_LIMIT": 1000,
            "WRITE_RATE_BURST": 1000,
            "ISSUER_ACCESS_TOKEN_SECONDS": 1500,
            "OTEL_TRACES_SAMPLER_ARG": 1,
            "BOT_TOKEN": "42:of-tests",
            "BOT_USERS": "[1001]",
            "BOT_API_URL": "http://telegram:8081",
            **RECEIVERS,
        }
        project.write(".env", "".join(f"{key}={value}\n" for key, value in settings.items()))
        project.write("recorder.py", RECORDER)
        project.write("docker-compose.override.yml", OVERRIDE)
        project.make("lock")
        project.commit("The lock")
        found = System(running, https, http)
        try:
            project.make("prod", environment=running.environment)
            made = found.make("admin", "LOGIN=ada", given=f"{PASSWORD}\n")
            assert "can log in" in made.stdout, made.stderr
            listen(running)
            yield found
        finally:
            found.compose("down", "--volumes", "--timeout", "0")


@pytest.fixture(scope="package")
def edge_of_level_4(system: System) -> Edge:
    """The gateway of the shared system, for somebody with a token."""
    headers = {"Authorization": f"Bearer {system.token('ada', 'customer', 'staff')}"}
    return Edge(system.stack, system.http_port, system.port, headers)

"""Systems that tests of several files look at."""

from collections.abc import Iterator
from typing import Any

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.edge import ALLOWED, ORDER, Edge
from tests.support.events import listen
from tests.support.http import call
from tests.support.matrix import ALL
from tests.support.ports import free_port
from tests.support.project import start

PLACED: list[dict[str, Any]] = []


@pytest.fixture(scope="package")
def edge_of_level_3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A system of level 3 from the production files, over the data of level 2."""
    require_docker()
    project = start(tmp_path_factory.mktemp("level_3") / "shop", Combination(2))
    with stack(project) as running:
        running.up()
        placed = call("POST", f"{running.business}/api/v1/orders", ORDER)
        assert placed.status == 201
        PLACED.append(placed.json)
        project.move(Combination(3, ALL))
        project.make("lock")
        project.commit("Level 3")
        http, https = free_port(), free_port()
        project.append(
            ".env",
            f"PUBLIC_HTTP_PORT={http}\nPUBLIC_HTTPS_PORT={https}\n"
            f"CORS_ORIGINS={' '.join(ALLOWED)}\nRATE_LIMIT=1000\nRATE_BURST=1000\n"
            "WRITE_RATE_LIMIT=1000\nWRITE_RATE_BURST=1000\n",
        )
        try:
            project.make("prod", environment=running.environment)
            listen(running)
            yield Edge(running, http, https)
        finally:
            running.production("down", "--volumes", "--timeout", "0", check=False)


@pytest.fixture
def order_of_level_2(edge_of_level_3: Edge) -> dict[str, Any]:
    """The order that was placed before the move to level 3."""
    return PLACED[0]

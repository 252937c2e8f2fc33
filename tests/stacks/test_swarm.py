"""Level 4 on a Docker Swarm.

One host stands for several here: what needs more than one, such as a task that moves, is not shown.
"""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from extensions.stages import Combination
from tests.support.docker import remove_images, require_docker, stack, swarm_state
from tests.support.http import eventually
from tests.support.load import LINE, under_load
from tests.support.matrix import ALL
from tests.support.ports import free_port
from tests.support.production import Secured
from tests.support.project import start

BUSINESS = "services/business_api/src/business_api"
SERVICES = ("business_api", "data_postgres_api")
ALL_CODE = (*SERVICES, "outbox_relay", "business_bot", "business_worker")


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Swarm(Secured):
    """The system on a Swarm of one host."""

    def image(self, service: str) -> str:
        """The tag that a service is to run."""
        asked = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
        name = f"{self.stack.name}_{service}"
        return docker("service", "inspect", "--format", asked, name).rpartition(":")[2]

    def running(self, service: str) -> set[str]:
        """The tags of the tasks that really run."""
        name = f"{self.stack.name}_{service}"
        listed = docker(
            "service", "ps", "--filter", "desired-state=running", "--format",
            "{{.Image}} {{.CurrentState}}", name,
        ).splitlines()  # fmt: skip
        assert all(" Running " in line for line in listed), listed
        return {line.split()[0].rpartition(":")[2] for line in listed}

    def token(self) -> str:
        done = self.make("token", "WHO=load", "ROLES=customer staff", "ON=stack")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sql(self, statement: str) -> str:
        label = f"label=com.docker.swarm.service.name={self.stack.name}_postgres"
        (container,) = docker("ps", "--quiet", "--filter", label).split()
        psql = ("psql", "-qAt", "-U", "app", "-d", "app", "-c", statement)
        return docker("exec", container, *psql)


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    require_docker()
    project = start(tmp_path_factory.mktemp("swarm") / "shop", Combination(4, ALL))
    project.make("lock")
    project.commit("The lock")
    # conftest.py leaves it at the end of the run.
    if swarm_state() == "inactive":
        docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    http, https = free_port(), free_port()
    with stack(project) as running:
        project.write(
            ".env",
            f"PUBLIC_HTTP_PORT={http}\nPUBLIC_HTTPS_PORT={https}\n"
            f"ISSUER_URL=https://localhost:{https}\nISSUER_ACCESS_TOKEN_SECONDS=1500\n"
            "RATE_LIMIT=100000\nWRITE_RATE_LIMIT=100000\nCLIENT_CONNECTIONS=10000\n",
        )
        try:
            project.make("images", "VERSION=1.0.0", environment=running.environment)
            project.make("stack", "VERSION=1.0.0", environment=running.environment)
            yield Swarm(running, https)
        finally:
            docker("stack", "rm", running.name, check=False)
            left = ("ps", "--all", "--quiet", "--filter", f"name={running.name}_")
            eventually(lambda: docker(*left) == "", seconds=120)
            volumes = docker("volume", "ls", "--quiet", "--filter", f"name={running.name}_")
            docker("volume", "rm", *volumes.split(), check=False)
            remove_images(f"{running.name}/*")


@pytest.mark.full
def test_everything_runs_on_a_swarm(swarm: Swarm) -> None:
    listed = docker("stack", "services", "--format", "{{.Name}} {{.Replicas}}", swarm.stack.name)
    for line in listed.splitlines():
        if "completed" in line:
            assert "1/1 completed" in line, line
        else:
            have, _, wanted = line.split()[1].partition("/")
            assert have == wanted, line
    token = swarm.token()
    placed = swarm.call("POST", "/api/v1/orders", token, {"lines": [LINE]})
    assert placed.status == 201
    followers = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    eventually(lambda: swarm.sql(followers) == "1")


@pytest.mark.full
def test_a_new_version_costs_no_request_on_a_swarm(swarm: Swarm) -> None:
    project = swarm.stack.project
    project.append(f"{BUSINESS}/main.py", "# Version 1.1.0\n")
    project.append("services/data_postgres_api/src/data_postgres_api/main.py", "# Version 1.1.0\n")
    assert swarm.make("images", "VERSION=1.1.0").returncode == 0
    with under_load(swarm.issuer, swarm.token(), swarm.context) as load:
        time.sleep(2)
        done = swarm.make("stack", "VERSION=1.1.0")
        time.sleep(5)
    print(f"\nSwarm: {load.requests} requests, {len(load.failures)} failed")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert load.failures == []
    assert load.requests > 100
    assert [swarm.running(service) for service in SERVICES] == [{"1.1.0"}, {"1.1.0"}]
    listed = ",".join(f"'{order}'" for order in load.placed)
    count = f"SELECT count(*) FROM orders WHERE id IN ({listed})"
    assert swarm.sql(count) == str(len(load.placed))


@pytest.mark.full
def test_a_version_on_a_swarm_is_taken_back_by_hand(swarm: Swarm) -> None:
    assert swarm.image("business_api") == "1.1.0"
    done = swarm.make("stack-rollback")
    assert done.returncode == 0, done.stderr
    assert {swarm.image(service) for service in ALL_CODE} == {"1.0.0"}


@pytest.mark.full
def test_a_broken_version_is_taken_back_by_swarm(swarm: Swarm) -> None:
    project = swarm.stack.project
    main = f"{BUSINESS}/main.py"
    good = project.read(main)
    project.append(main, 'raise RuntimeError("broken on purpose")\n')
    assert swarm.make("images", "VERSION=1.2.0").returncode == 0
    project.write(main, good)
    with under_load(swarm.issuer, swarm.token(), swarm.context) as load:
        done = swarm.make("stack", "VERSION=1.2.0")
        time.sleep(3)
    print(f"\nbroken, Swarm: {load.requests} requests, {len(load.failures)} failed")
    assert done.returncode != 0
    assert "business_api was taken back" in done.stderr
    assert load.failures == []
    # Both: Swarm took back the one that failed, and a version is all of its services.
    assert {swarm.image(service) for service in ALL_CODE} == {"1.0.0"}
    assert [swarm.running(service) for service in SERVICES] == [{"1.0.0"}, {"1.0.0"}]
    # What is before that is the broken one.
    done = swarm.make("stack-rollback")
    assert done.returncode != 0
    assert "Swarm knows nothing before what business_api runs" in done.stderr
    assert {swarm.image(service) for service in ALL_CODE} == {"1.0.0"}

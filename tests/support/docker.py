"""Whether there is Docker, and stacks that clean up after themselves."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

import docker
import pytest
from docker.models.containers import Container

from tests.support.project import Project


@cache
def engine() -> docker.DockerClient:
    """A client of this machine's Docker engine: one request costs a fiftieth of a CLI call."""
    return docker.from_env(timeout=180)


@cache
def _docker_works() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "ls"], capture_output=True).returncode == 0


def require_docker() -> None:
    """Skip visibly without Docker, or fail where the run demands it."""
    if _docker_works():
        return
    if os.environ.get("STAGECRAFT_REQUIRE_DOCKER"):
        pytest.fail("Docker with Compose is required (STAGECRAFT_REQUIRE_DOCKER) and not here.")
    pytest.skip("needs Docker with Compose")


@cache
def docker_root() -> str:
    """The folder in which this machine's Docker keeps everything."""
    info = ["docker", "info", "--format", "{{.DockerRootDir}}"]
    return subprocess.run(info, check=True, capture_output=True, text=True).stdout.strip()


def swarm_state() -> str:
    """Return what Docker says of a Swarm here: "inactive", "active" and so on; empty without it."""
    ask = ["docker", "info", "--format", "{{.Swarm.LocalNodeState}}"]
    try:
        return subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def remove_images(pattern: str) -> None:
    """Remove the images of a name with all their tags, if there are any."""
    listed = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", pattern]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    if found:
        subprocess.run(["docker", "image", "rm", *found], capture_output=True)


def compose_files(folder: Path, purpose: str | None = None, *, override: bool = True) -> list[str]:
    """The options that name a project's compose files, for Compose as its make gives them."""
    files = [folder / "docker-compose.yml"]
    if purpose is not None:
        files += [folder / f"docker-compose.{purpose}.yml"]
        files += sorted(folder.glob(f"*/*/compose.{purpose}.yml"))
    if override:
        files += folder.glob("docker-compose.override.yml")
    return [part for file in files for part in ("-f", file.relative_to(folder).as_posix())]


@dataclass(frozen=True)
class Stack:
    """The running system of one project, beside all others on this machine."""

    project: Project
    name: str

    @property
    def environment(self) -> dict[str, str]:
        """What keeps this stack apart: a name of its own, and ports that are free."""
        return {
            "COMPOSE_PROJECT_NAME": self.name,
            "BUSINESS_API_PORT": "0",
            "DATA_API_PORT": "0",
            "RABBITMQ_PORT": "0",
            "GATEWAY_HTTP_PORT": "0",
            "GATEWAY_HTTPS_PORT": "0",
            "PROMETHEUS_PORT": "0",
            "GRAFANA_PORT": "0",
            "KIBANA_PORT": "0",
            "DOCKER_LOGS": f"{docker_root()}/containers",
            "ALERTMANAGER_PORT": "0",
            "JAEGER_PORT": "0",
            "BUSINESS_FILES_PORT": "0",
            "SEAWEEDFS_PORT": "0",
        }

    def up(self) -> None:
        """Build and start with the project's own target."""
        self.project.make("up", environment=self.environment)

    def production(self, *arguments: str, check: bool = True) -> str:
        """Run docker compose on this stack with the files of production."""
        return self.compose(*compose_files(self.project.path, "prod"), *arguments, check=check)

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run docker compose on this stack and return what it printed.

        For what only Compose can do: up, run, config, down. The methods below ask the engine.
        """
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=self.project.path,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"docker compose {' '.join(arguments)}:\n{done.stderr}")
        return done.stdout

    def containers(self, service: str = "", *, ended: bool = True) -> list[Container]:
        """Return the containers of a service, or of all, by their number."""
        labels = [f"com.docker.compose.project={self.name}", "com.docker.compose.oneoff=False"]
        if service:
            labels.append(f"com.docker.compose.service={service}")
        found = engine().containers.list(all=ended, filters={"label": labels}, ignore_removed=True)
        return sorted(found, key=lambda each: (service_of(each), _number(each)))

    def services(self) -> set[str]:
        """Return the services of which a container runs."""
        return {service_of(each) for each in self.containers(ended=False)}

    def states(self) -> dict[str, str]:
        """Return the health of each service's container, or else its state and exit code."""
        found = {}
        for container in self.containers():
            state = container.attrs["State"]
            ending = f"{state['Status']} {state['ExitCode']}"
            found[service_of(container)] = state.get("Health", {}).get("Status", ending)
        return found

    def _only(self, service: str) -> Container:
        found = self.containers(service, ended=False)
        if not found:
            raise ConnectionRefusedError(f"No container of {service} runs.")
        return found[0]

    def execute(self, service: str, *command: str, check: bool = True, user: str = "") -> str:
        """Run a command in the first container of a service and return its standard output."""
        done = self._only(service).exec_run(list(command), demux=True, user=user)
        output = cast(tuple[bytes | None, bytes | None], done.output)
        printed, errors = ((part or b"").decode() for part in output)
        if check and done.exit_code:
            raise AssertionError(f"{service}: {' '.join(command)}:\n{printed}{errors}")
        return printed

    def kill(self, *services: str) -> None:
        """End the containers of these at once."""
        self._each("kill", *services)

    def pause(self, *services: str) -> None:
        """Freeze the containers of these."""
        self._each("pause", *services)

    def unpause(self, *services: str) -> None:
        """Let the containers of these go on."""
        self._each("unpause", *services)

    def stop(self, *services: str, timeout: int = 10) -> None:
        """Ask the containers of these to end, and kill what has not ended after `timeout` s."""
        self._each("stop", *services, timeout=timeout)

    def start(self, *services: str) -> None:
        """Start the containers of these again; returns before they are healthy."""
        for service in services:
            for container in self.containers(service):
                container.start()

    def restart(self, *services: str, timeout: int = 10) -> None:
        """Stop the containers of these and start them again."""
        self._each("restart", *services, timeout=timeout)

    def _each(self, action: str, *services: str, **options: Any) -> None:
        for service in services:
            for container in self.containers(service, ended=False):
                getattr(container, action)(**options)

    def health(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the health of a service's first container."""
        found: dict[str, Any] = self._only(service).attrs["State"]["Health"]
        return found

    def url(self, service: str, port: int) -> str:
        """Return the address at which a service is published now."""
        ports = self._only(service).attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp")
        if not ports:  # a container that is starting has none yet
            raise ConnectionRefusedError(f"{service} does not publish its port {port}.")
        return f"http://{ports[0]['HostIp']}:{ports[0]['HostPort']}"

    @property
    def business(self) -> str:
        """The address of the business service."""
        return self.url("business_api", 8000)

    @property
    def data(self) -> str:
        """The address of the data service."""
        return self.url("data_postgres_api", 8001)

    def sql(self, statement: str, node: str = "postgres") -> str:
        """Run a statement in PostgreSQL and return its rows as text."""
        psql = ("psql", "-qAt", "-U", "app", "-d", "app", "-v", "ON_ERROR_STOP=1", "-c", statement)
        return self.execute(node, *psql).strip()

    def logs(self, service: str) -> list[dict[str, object]]:
        """Return the log lines of a service that are JSON objects."""
        return [json.loads(line) for line in self.lines(service) if line.startswith("{")]

    def lines(self, service: str, *, tail: int | Literal["all"] = "all") -> list[str]:
        """Return what the containers of a service printed, one container after the other."""
        # Not splitlines: what a client sent may hold a character that ends a line in Unicode only.
        return [
            line
            for container in self.containers(service)
            for line in container.logs(tail=tail).decode(errors="replace").split("\n")[:-1]
        ]

    def printed(self, service: str) -> str:
        """Return what a service printed, as one text."""
        return "\n".join(self.lines(service))


def service_of(container: Container) -> str:
    """Return the service of Compose to which a container belongs."""
    return str(container.labels["com.docker.compose.service"])


def _number(container: Container) -> int:
    return int(container.labels.get("com.docker.compose.container-number", 0))


@contextmanager
def stack(project: Project) -> Iterator[Stack]:
    """Yield a stack that is not up yet; remove everything that it made at the end."""
    require_docker()
    running = Stack(project, f"stagecraft-{uuid4().hex[:8]}")
    try:
        yield running
    finally:
        # At once: how a service ends is what tests of it look at, not what each has to wait for.
        down = ("down", "--volumes", "--rmi", "local", "--timeout", "0")
        running.compose(*down, check=False)
        # Those of production have names of their own, which begin with the stack's.
        remove_images(f"{running.name}/*")

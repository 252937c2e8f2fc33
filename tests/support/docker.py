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
from uuid import uuid4

import pytest

from tests.support.project import Project


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
        }

    def up(self) -> None:
        """Build and start with the project's own target."""
        self.project.make("up", environment=self.environment)

    def production(self, *arguments: str, check: bool = True) -> str:
        """Run docker compose on this stack with the files of production."""
        return self.compose(*compose_files(self.project.path, "prod"), *arguments, check=check)

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run docker compose on this stack and return what it printed."""
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

    def url(self, service: str, port: int) -> str:
        """Return the address at which a service is published now."""
        return f"http://{self.compose('port', service, str(port)).strip()}"

    @property
    def business(self) -> str:
        """The address of the business service."""
        return self.url("business_api", 8000)

    @property
    def data(self) -> str:
        """The address of the data service."""
        return self.url("data_postgres_api", 8001)

    def sql(self, statement: str) -> str:
        """Run a statement in PostgreSQL and return its rows as text."""
        psql = ["psql", "--username", "app", "--tuples-only", "--no-align", "--command", statement]
        return self.compose("exec", "-T", "postgres", *psql).strip()

    def logs(self, service: str) -> list[dict[str, object]]:
        """Return the log lines of a service that are JSON objects."""
        return [json.loads(line) for line in self.lines(service) if line.startswith("{")]

    def lines(self, service: str) -> list[str]:
        """Return what a service printed; Compose puts an escape code before each line."""
        # Not splitlines: what a client sent may hold a character that ends a line in Unicode only.
        printed = self.compose("logs", "--no-log-prefix", service).rstrip("\n").split("\n")
        return [line.removeprefix("\x1b[2K") for line in printed]


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

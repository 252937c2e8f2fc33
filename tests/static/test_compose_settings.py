"""What the compose files make of settings that most projects leave empty."""

import json
import os
import subprocess
from typing import Any

import pytest

from extensions.stages import Combination
from tests.support.docker import compose_files, require_docker
from tests.support.matrix import ALL
from tests.support.project import Project, start


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    require_docker()
    made = start(tmp_path_factory.mktemp("settings") / "shop", Combination(4, ALL))
    made.make("env")
    return made


def services(project: Project, **settings: str) -> dict[str, Any]:
    """Return the services of production as Compose understands them."""
    done = subprocess.run(
        ["docker", "compose", *compose_files(project.path, "prod"), "config", "--format", "json"],
        cwd=project.path,
        env=os.environ | settings,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_whoever_asks_vault_knows_the_authority(project: Project) -> None:
    there = "/etc/vault/ca.pem"
    for given, source, named in (
        (None, "/dev/null", ""),
        ("/etc/ssl/x.pem", "/etc/ssl/x.pem", there),
    ):
        settings = {} if given is None else {"VAULT_CA_CERTIFICATE": given}
        asking = {
            name: service
            for name, service in services(project, **settings).items()
            if "VAULT_ADDR" in service.get("environment", {})
        }
        assert len(asking) == 8
        for name, service in asking.items():
            mounted = {each["target"]: each["source"] for each in service["volumes"]}
            assert mounted[there] == source, name
            assert service["environment"]["VAULT_CA_CERTIFICATE"] == named, name


def test_the_gateway_is_published_where_clients_keep_their_addresses(project: Project) -> None:
    """Docker's default network has no IPv6: its proxy would give all such clients one address."""
    published = services(project)["gateway"]["ports"]
    assert {each["host_ip"] for each in published} == {"0.0.0.0"}
    one = services(project, PUBLIC_ADDRESS="192.0.2.7")["gateway"]["ports"]
    assert {each["host_ip"] for each in one} == {"192.0.2.7"}


def test_the_deployment_guide_says_how_much_memory_it_takes(project: Project) -> None:
    total = sum(
        int(service["deploy"]["resources"]["limits"]["memory"])
        * int(service["deploy"].get("replicas", 1))
        for service in services(project).values()
    )
    assert f"{round(total / 2**30)} with all;" in project.read("docs/deployment.md")

"""The stack file for Docker Swarm says what the compose files say."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extensions.stages import Combination
from tests.support.docker import compose_files, require_docker, swarm_state
from tests.support.matrix import ALL
from tests.support.project import Project, start

SERVICES = ("business_api", "data_postgres_api")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    require_docker()
    made = start(tmp_path_factory.mktemp("stack") / "shop", Combination(4, ALL))
    # A second replica more than the default, and an image from elsewhere.
    made.write(".env", "IMAGES=registry.example/shop\nBUSINESS_API_REPLICAS=3\n")
    made.make("stack-file", "VERSION=1.2.3")
    return made


@pytest.fixture(scope="module")
def written(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.read("reports/docker-stack.json"))
    return found


@pytest.fixture(scope="module")
def described(project: Project) -> dict[str, Any]:
    """What Compose makes of the production files, for the same version."""
    done = subprocess.run(
        ["docker", "compose", *compose_files(project.path, "prod"), "config", "--format", "json"],
        cwd=project.path,
        env=os.environ | {"IMAGE_TAG": "1.2.3", "COMPOSE_PROJECT_NAME": project.compose_name},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


SAME: dict[str, Callable[[dict[str, Any]], Any]] = {
    "image": lambda service: service["image"],
    "secrets": lambda service: sorted(each["source"] for each in service.get("secrets", [])),
    "networks": lambda service: sorted(service["networks"]),
    # But for the seconds in which a replica that leaves still answers.
    "environment": lambda service: {
        name: value
        for name, value in service.get("environment", {}).items()
        if name != "DRAIN_SECONDS"
    },
    "command": lambda service: (service.get("entrypoint"), service.get("command")),
    "host": lambda service: service.get("hostname"),
    "health": lambda service: service.get("healthcheck"),
    "memory": lambda service: service["deploy"]["resources"]["limits"]["memory"],
    "cores": lambda service: float(service["deploy"]["resources"]["limits"]["cpus"]),
    "processes": lambda service: service["deploy"]["resources"]["limits"]["pids"],
    "replicas": lambda service: service["deploy"].get("replicas", 1),
    "ports": lambda service: [
        (int(each["published"]), each["target"]) for each in service.get("ports", [])
    ],
    "volumes": lambda service: sorted(
        each["source"] for each in service.get("volumes", []) if each["type"] == "volume"
    ),
    "rights": lambda service: [
        service.get(key) for key in ("user", "cap_add", "cap_drop", "read_only")
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_the_stack_is_what_the_compose_files_say(
    written: dict[str, Any], described: dict[str, Any], what: str
) -> None:
    take = SAME[what]
    both = [
        {name: take(service) for name, service in each["services"].items()}
        for each in (written, described)
    ]
    assert len(both[0]) > 15
    assert both[0] == both[1]


# What the stack file says in another way, or Swarm does by itself or not at all.
TRANSLATED = {
    *("build", "configs", "depends_on", "deploy", "networks", "ports", "profiles", "restart"),
    *("secrets", "security_opt", "shm_size", "tmpfs", "volumes"),
}


def test_nothing_that_the_compose_files_say_is_left_out(
    written: dict[str, Any], described: dict[str, Any]
) -> None:
    """A capability that was left out once kept Redis from starting on Swarm alone."""
    for name, service in described["services"].items():
        said = {key for key, value in service.items() if value not in (None, [], {}, False)}
        assert said - TRANSLATED <= written["services"][name].keys(), name


def test_each_image_has_one_builder(described: dict[str, Any], project: Project) -> None:
    """Compose labels an image with the service that built it, so two builders alternate its ID.

    Each "make prod" would then replace unchanged containers, the database included.
    """
    services = described["services"]
    builders = Counter(each["image"] for each in services.values() if "build" in each)
    assert set(builders.values()) == {1}
    built = set(builders)
    of_the_project = {
        name for name, each in services.items() if each["image"].startswith("registry.example/")
    }
    assert {services[name]["image"] for name in of_the_project} == built
    # A roll-out also finds the services that share an image without building it.
    look = (
        "import json, sys; from images import Images; "
        "print(*Images(json.load(sys.stdin)).followers)"
    )
    done = subprocess.run(
        [sys.executable, "-c", look],
        input=json.dumps(described),
        env=os.environ | {"PYTHONPATH": str(project.path / "make")},
        check=True,
        capture_output=True,
        text=True,
    )
    assert sorted(done.stdout.split()) == [
        "business_bot",
        "business_files",
        "business_worker",
        "files_worker",
        "outbox_relay",
    ]


def test_database_services_are_labelled_with_the_hash_of_their_dockerfile(
    written: dict[str, Any],
) -> None:
    labelled = {
        name
        for name, service in written["services"].items()
        if "made-from" in service["deploy"].get("labels", {})
    }
    assert labelled == {"backup", "postgres", "postgres_setup", "postgres_standby"}


def test_each_file_of_the_project_goes_with_it(
    written: dict[str, Any], described: dict[str, Any], project: Project
) -> None:
    for name, service in described["services"].items():
        wanted = set()
        for each in service.get("volumes", []):
            source = Path(each["source"])
            if each["type"] == "bind" and source.is_relative_to(project.path):
                files = (
                    [f for f in source.rglob("*") if f.is_file()] if source.is_dir() else [source]
                )
                wanted |= {
                    (str(file), str(Path(each["target"]) / file.relative_to(source)).rstrip("/."))
                    for file in files
                }
        carried = {
            (written["configs"][each["source"]]["file"], each["target"])
            for each in written["services"][name].get("configs", [])
        }
        assert {(s, t.rstrip("/.")) for s, t in carried} == wanted, name
    binds = {
        each["source"]
        for service in written["services"].values()
        for each in service.get("volumes", [])
        if each["type"] == "bind"
    }
    assert len(binds) == 1, "only the logs of Docker itself"


def test_what_changes_gets_a_name_of_its_own(project: Project, written: dict[str, Any]) -> None:
    names = {key: each["name"] for key, each in written["configs"].items()}
    assert len(set(names.values())) == len(names)
    assert max(len(name) for name in names.values()) <= 64
    project.append("infrastructure/nginx/nginx.conf", "# changed\n")
    try:
        project.make("stack-file", "VERSION=1.2.3")
        again = json.loads(project.read("reports/docker-stack.json"))
        changed = {key for key, each in again["configs"].items() if each["name"] != names[key]}
        assert changed == {"infrastructure-nginx-nginx.conf"}
        assert again["secrets"] == written["secrets"]
    finally:
        project.git("checkout", "--", ".")


def test_docker_takes_the_stack_file(project: Project) -> None:
    file = project.path / "reports/docker-stack.json"
    done = subprocess.run(
        ["docker", "stack", "config", "--compose-file", str(file)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_what_has_data_stays_where_they_are(written: dict[str, Any]) -> None:
    for name, service in written["services"].items():
        kept = any(each["type"] == "volume" for each in service.get("volumes", []))
        placed = "placement" in service["deploy"]
        assert placed == (kept or name == "gateway"), name
    for name in SERVICES:
        deploy = written["services"][name]["deploy"]
        assert deploy["update_config"]["order"] == "start-first"
        assert deploy["update_config"]["failure_action"] == "rollback"


def test_without_a_swarm_it_says_what_to_do(project: Project) -> None:
    if swarm_state() != "inactive":
        return  # this machine is in somebody's Swarm
    done = project.make("stack", "VERSION=1.2.3", check=False)
    assert done.returncode != 0
    assert "docker swarm init" in done.stderr

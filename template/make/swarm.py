"""Bring a version into production on a Docker Swarm: `python3 make/swarm.py deploy|back`.

The database and its migrations come first; then Swarm starts new replicas before it stops old ones,
one at a time, and goes back by itself when they do not stay healthy. This waits for either.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from engine import CommandError, compose, run, say
from images import SERVICES, Images, has_registry, untagged
from stack_file import MADE_FROM, write

MIGRATE = "migrate"
MIGRATION_SECONDS = 900
CONVERGENCE_SECONDS = 600

Spec = dict[str, Any]


def needed_by(project: Spec, service: str) -> set[str]:
    """Return a service and all that it depends on."""
    found = {service}
    for name in project["services"][service].get("depends_on") or {}:
        found |= needed_by(project, name)
    return found


def deploy(name: str, stack: Spec, *options: str) -> None:
    """Hand a stack, or a part of it, to Swarm."""
    remote = any(has_registry(each["image"]) for each in stack["services"].values())
    how = ("--with-registry-auth",) if remote else ("--resolve-image", "never")
    command = ("docker", "stack", "deploy", *how, *options, "--compose-file", "-", name)
    run(*command, given=json.dumps(stack))


def inspect(name: str) -> Spec:
    """Return what Swarm knows of a service."""
    found: list[Spec] = json.loads(run("docker", "service", "inspect", name))
    return found[0]


def image_of(service: Spec) -> str:
    """Return the image that a service is to run."""
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def tasks(name: str) -> list[Spec]:
    """Return the tasks of a service, the newest first."""
    listed = run("docker", "service", "ps", "--no-trunc", "--format", "{{json .}}", name)
    return [json.loads(line) for line in listed.splitlines()]


def migrated(name: str, image: str) -> None:
    """Wait until the job of the migrations has ended well; raise when it does not."""
    end = time.monotonic() + MIGRATION_SECONDS
    while True:
        states = [each["CurrentState"] for each in tasks(name) if each["Image"] == image]
        if states and states[0].startswith("Complete"):
            return
        # The database may still be starting, so that the first tries may fail.
        if time.monotonic() > end:
            said = run("docker", "service", "logs", "--raw", "--tail", "10", name)
            raise CommandError(f"The migrations failed, so nothing else was changed:\n{said}")
        time.sleep(2)


def converged(name: str, before: Spec | None) -> bool:
    """Whether Swarm has done what it is to do with a service; raise when it went back."""
    service = inspect(name)
    status = service.get("UpdateStatus", {})
    fresh = status.get("StartedAt") != (before or {}).get("UpdateStatus", {}).get("StartedAt")
    if fresh and status.get("State", "").startswith(("rollback", "paused")):
        if status["State"] in ("rollback_started", "updating"):
            return False
        raise CommandError(f"{name} was taken back: {status.get('Message')}\n{reasons(name)}")
    if fresh and status.get("State") == "updating":
        return False
    if "ReplicatedJob" in service["Spec"]["Mode"]:
        return any(each["CurrentState"].startswith("Complete") for each in tasks(name))
    wanted: int = service["Spec"]["Mode"]["Replicated"]["Replicas"]
    running = [each for each in tasks(name) if each["CurrentState"].startswith("Running")]
    return len(running) == wanted


def reasons(name: str) -> str:
    """Return why tasks of a service have ended."""
    return "\n".join({each["Error"] for each in tasks(name) if each["Error"]})


def wait(names: list[str], before: dict[str, Spec]) -> None:
    """Wait until every service has converged; tell which are not there yet."""
    end = time.monotonic() + CONVERGENCE_SECONDS
    told = 0.0
    missing = names
    while missing := [name for name in missing if not converged(name, before.get(name))]:
        if time.monotonic() > end:
            said = "\n".join(f"{name}: {reasons(name)}" for name in missing)
            raise CommandError(f"These did not start:\n{said}")
        if time.monotonic() - told > 15:
            say(f"waiting for {', '.join(missing)}")
            told = time.monotonic()
        time.sleep(1)


def prepare(name: str) -> None:
    """Say which host has the data, if that was not said yet; raise when there is no Swarm."""
    state = run(
        "docker", "info", "--format", "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"
    )
    if state.split() != ["active", "true"]:
        raise CommandError("This machine manages no Swarm. To make it one: docker swarm init")
    nodes = run("docker", "node", "ls", "--quiet").split()
    labels = json.loads(run("docker", "node", "inspect", *nodes))
    if not any(each["Spec"].get("Labels", {}).get("data") == name for each in labels):
        here = run("docker", "info", "--format", "{{.Swarm.NodeID}}").strip()
        run("docker", "node", "update", "--label-add", f"data={name}", here)
        say(f"this host has the data: label data={name}")


def keep_database(name: str, stack: Spec, before: dict[str, Spec]) -> None:
    """Let the database's services keep their image, if it is of the same Dockerfile.

    Every version builds it anew, which is no reason to interrupt a database.
    """
    for service, spec in stack["services"].items():
        old = before.get(f"{name}_{service}", {}).get("Spec", {})
        made_from = spec["deploy"].get("labels", {}).get(MADE_FROM)
        if made_from and old.get("Labels", {}).get(MADE_FROM) == made_from:
            spec["image"] = old["TaskTemplate"]["ContainerSpec"]["Image"]


def bring() -> None:
    """Migrate and deploy what the compose files and IMAGE_TAG say."""
    project: Spec = json.loads(compose("config", "--format", "json"))
    name = project["name"]
    prepare(name)
    stack = write()
    there = run("docker", "stack", "services", "--format", "{{.Name}}", name).split()
    before = {each: inspect(each) for each in there}
    keep_database(name, stack, before)
    first = needed_by(project, MIGRATE)
    say("the database and its migrations")
    part = {key: spec for key, spec in stack["services"].items() if key in first}
    deploy(name, stack | {"services": part})
    migrated(f"{name}_{MIGRATE}", stack["services"][MIGRATE]["image"])
    say("everything else: new replicas first")
    deploy(name, stack, "--prune")
    try:
        wait([f"{name}_{service}" for service in stack["services"]], before)
    except CommandError:
        # Swarm goes back service by service, and a version is all of them.
        changed = [
            service
            for service in (*Images(project).followers, *reversed(SERVICES))
            if (old := before.get(f"{name}_{service}"))
            and image_of(inspect(f"{name}_{service}")) != image_of(old)
        ]
        roll_back(name, changed)
        new = [f"{name}_{each}" for each in Images(project).followers]
        remove([each for each in new if each not in before])
        raise
    say("every service runs as it is to")


def back() -> None:
    """Take the services back to what they were before the last update; raise when it is unknown."""
    project = json.loads(compose("config", "--format", "json"))
    name = project["name"]
    unknown = [
        service for service in SERVICES if not inspect(f"{name}_{service}").get("PreviousSpec")
    ]
    if unknown:
        raise CommandError(
            f"Swarm knows nothing before what {' and '.join(unknown)} runs. Nothing was changed. "
            "To bring an earlier version, check it out and: make stack VERSION=1.2.2"
        )
    every = Images(project).followers
    # Each version makes their images anew, so who has no other one was not there before.
    known = [each for each in every if inspect(f"{name}_{each}").get("PreviousSpec")]
    roll_back(name, [*known, *reversed(SERVICES)])
    remove([f"{name}_{each}" for each in every if each not in known])


def remove(services: list[str]) -> None:
    """Remove what the version that is gone back to did not have."""
    for service in services:
        say(f"removing {service}, which was not there before")
        run("docker", "service", "rm", service)


def roll_back(name: str, services: list[str]) -> None:
    """Let services go back to their specification of before, and wait until they have."""
    for service in services:
        say(f"taking {service} back")
        run("docker", "service", "rollback", "--detach", f"{name}_{service}")
    end = time.monotonic() + CONVERGENCE_SECONDS
    for service in services:
        while inspect(f"{name}_{service}")["UpdateStatus"]["State"] != "rollback_completed":
            if time.monotonic() > end:
                raise CommandError(f"{service} does not go back:\n{reasons(f'{name}_{service}')}")
            time.sleep(1)
        image = image_of(inspect(f"{name}_{service}"))
        say(f"{untagged(image).rpartition('/')[2]} runs {image.rpartition(':')[2]}")


if __name__ == "__main__":
    try:
        {"deploy": bring, "back": back}[sys.argv[1]]()
    except CommandError as error:
        sys.exit(str(error))

"""Docker and Compose as the scripts of production call them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from typing import Any

COMPOSE = shlex.split(os.environ.get("COMPOSE", "docker compose"))

Container = dict[str, Any]


class CommandError(Exception):
    """A command failed; the text holds the command and the end of what it said."""


def say(text: str) -> None:
    """Print progress: this takes minutes."""
    print(time.strftime("%H:%M:%S", time.gmtime()), f" {text}", flush=True)


def run(*command: str, given: str | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a command and return its output; raise with the end of what it said when it fails."""
    env = os.environ | (environment or {})
    done = subprocess.run(command, input=given, env=env, capture_output=True, text=True)
    if done.returncode:
        said = "\n".join((done.stderr + done.stdout).strip().splitlines()[-12:])
        raise CommandError(f"{shlex.join(command)}\n{said}")
    return done.stdout


def compose(
    *arguments: str, given: str | None = None, environment: dict[str, str] | None = None
) -> str:
    """Run docker compose with the files of production."""
    return run(*COMPOSE, "--progress", "quiet", *arguments, given=given, environment=environment)


def show(*arguments: str) -> None:
    """Run docker compose and show its progress; raise `CommandError` when it fails."""
    code = subprocess.run((*COMPOSE, *arguments)).returncode
    if code:
        raise CommandError(f"docker compose {shlex.join(arguments)} failed, as it says above.")


def containers(service: str) -> list[Container]:
    """Return what Docker knows of the running containers of a service."""
    ids = compose("ps", "--quiet", "--status", "running", service).split()
    found: list[Container] = json.loads(run("docker", "inspect", *ids)) if ids else []
    return found


def address(container: Container) -> str:
    """Return a container's address within the project's network."""
    return str(next(iter(container["NetworkSettings"]["Networks"].values()))["IPAddress"])


def image_id(reference: str) -> str:
    """Return the id of an image on this machine, or nothing."""
    done = subprocess.run(
        ("docker", "image", "inspect", "--format", "{{.Id}}", reference),
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()

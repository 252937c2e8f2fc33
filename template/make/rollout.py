"""Bring a version into production on this machine, and take it back when it does not work.

`python3 make/rollout.py [VERSION]` starts new replicas beside the old ones, lets the gateway ask
only the new ones, watches them under the traffic that there is, and stops the old ones. When
something fails before that last step, the new replicas go; the old ones have never stopped.
Without a version the images are built from what is checked out. `--back` does not migrate, because
a version knows nothing of the migrations of a later one. The file that ROLLED_OUT names is written
once the services have changed over, for whoever has to know that although something else failed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import CommandError, Container, address, compose, containers, image_id, run, say
from images import SERVICES, Images
from readers import readers

CHANGED = Path("secrets/.changed")
# As long as a replica may take to become ready, and old workers of the gateway to answer.
READY_SECONDS = 300
DRAIN_SECONDS = 20
# What a version may do to the requests while it is watched: fewer errors than this are bad luck.
ERRORS = 3
ERROR_RATIO = 0.02


class RolloutError(Exception):
    """The new version does not work; the text says how that was seen."""


@dataclass
class Rollout:
    """The services that change, with their replicas of before and the new ones."""

    config: dict[str, Any]
    old: dict[str, list[Container]]
    new: dict[str, list[Container]] = field(default_factory=dict)

    def create(self, todo: list[str]) -> None:
        """Make new replicas of the services beside those that run, without starting them.

        Not by `up`: that would begin with what the services depend on, and with `--no-deps` it
        makes containers that the next `up` would make again. Every service is named, with a number:
        Compose removes replicas beyond the number that it knows, and refuses a number for a service
        that it does not create.
        """
        scales, known = [], {}
        for service in SERVICES:
            known[service] = compose("ps", "--all", "--quiet", service).split()
            wanted = replicas_of(self.config, service) if service in todo else 0
            count = len(known[service]) + wanted
            scales += ["--scale", f"{service}={count}"]
        try:
            compose("create", "--no-build", "--no-recreate", *scales, *SERVICES)
        finally:
            for service in todo:
                ids = compose("ps", "--all", "--quiet", service).split()
                self.new[service] = [{"Id": each} for each in ids if each not in known[service]]

    def start(self, service: str) -> None:
        """Start the new replicas of a service, and wait until they are ready."""
        ids = [container["Id"] for container in self.new[service]]
        say(f"starting {len(ids)} new replicas of {service}")
        run("docker", "start", *ids)
        self.new[service] = json.loads(run("docker", "inspect", *ids))
        deadline = time.monotonic() + READY_SECONDS
        for container in self.new[service]:
            self._wait(service, container["Id"], deadline)

    def _wait(self, service: str, container: str, deadline: float) -> None:
        while True:
            (found,) = json.loads(run("docker", "inspect", container))
            state = found["State"]
            health = state.get("Health", {}).get("Status", "healthy")
            if state["Status"] == "running" and health == "healthy" and ready(service, container):
                return
            ended = state["Status"] in ("exited", "dead", "restarting") or found["RestartCount"]
            if ended or health == "unhealthy" or time.monotonic() > deadline:
                how = "has ended" if ended else f"is {health} and not ready"
                tail = ("docker", "logs", "--tail", "5", container)
                said = subprocess.run(tail, capture_output=True, text=True)
                raise RolloutError(
                    f"A new replica of {service} {how}:\n{said.stdout[-2000:]}{said.stderr[-2000:]}"
                )
            time.sleep(0.5)

    def ask_only(self, replicas: list[Container]) -> None:
        """Let the gateway ask only these replicas; without any, all that there are."""
        listed = "".join(f"{address(each)}\n" for each in replicas)
        write = "cat > /tmp/asked && mv /tmp/asked /tmp/only" if listed else "rm -f /tmp/only"
        look = "sh /etc/nginx/scripts/health.sh"
        compose("exec", "-T", "gateway", "sh", "-c", f"{write} && {look}", given=listed)

    def drain(self) -> None:
        """Wait until the gateway's workers that know the old replicas have answered."""
        leaving = "grep -q 'shutting dow[n]' /proc/[0-9]*/cmdline 2>/dev/null"
        count = "left=$((left - 1)); sleep 1"
        loop = f"while {leaving} && [ $left -gt 0 ]; do {count}; done"
        wait = f"sleep 1; left={DRAIN_SECONDS}; {loop}"
        compose("exec", "-T", "gateway", "sh", "-c", wait)

    def watch(self, seconds: float) -> None:
        """Raise when the new replicas do not stay ready, or when clients get errors."""
        say(f"watching for {seconds:.0f} s")
        gateway = compose("ps", "--quiet", "gateway").strip()
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for service, fresh in self.new.items():
                for container in fresh:
                    if not ready(service, container["Id"]):
                        raise RolloutError(f"A new replica of {service} is not ready any more.")
            total, errors = answers(gateway, since)
            if errors >= ERRORS and errors > total * ERROR_RATIO:
                raise RolloutError(f"{errors} of {total} requests were answered with an error.")
            time.sleep(min(1, max(0, end - time.monotonic())))
        say("{} requests, {} errors".format(*answers(gateway, since)))

    def retire(self, replicas: dict[str, list[Container]]) -> None:
        """Stop replicas: those that are called last, so that whoever calls is gone by then."""
        for service in reversed(SERVICES):
            there = run("docker", "ps", "--all", "--quiet", "--no-trunc").split()
            ids = [each["Id"] for each in replicas.get(service, []) if each["Id"] in there]
            if ids:
                run("docker", "stop", "--time", "30", *ids)
                run("docker", "rm", "--force", *ids)


def ready(service: str, container: str) -> bool:
    """Whether a replica says that it can do its work.

    By a bare socket and without site packages: every second this asks every new replica, and the
    import of an HTTP client takes longer than the request.
    """
    ask = (
        f"import socket, sys; c = socket.create_connection(('127.0.0.1', {SERVICES[service]}), 5); "
        r"c.sendall(b'GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'); "
        "sys.exit(c.recv(13) != b'HTTP/1.1 200 ')"
    )
    command = ("docker", "exec", container, "python", "-I", "-S", "-c", ask)
    return subprocess.run(command, capture_output=True).returncode == 0


def answers(gateway: str, since: str) -> tuple[int, int]:
    """Return how many requests the gateway has answered since then, and how many with an error."""
    total = errors = 0
    for line in run("docker", "logs", "--since", since, gateway).splitlines():
        try:
            status = int(json.loads(line[line.index("{") :])["status"])
        except (ValueError, KeyError, TypeError):
            continue
        total += 1
        errors += status >= 500
    return total, errors


def replicas_of(config: dict[str, Any], service: str) -> int:
    """Return how many replicas of a service production's files ask for."""
    wanted: int = config["services"][service].get("deploy", {}).get("replicas", 1)
    return wanted


def changed(service: str, replicas: list[Container], images: Images, forced: list[str]) -> bool:
    """Whether the running replicas of a service are not those that production's files describe."""
    wanted = compose("config", "--hash", service).split()[-1]
    current = image_id(images.references[service])
    if service in forced or len(replicas) != replicas_of(images.config, service):
        return True
    return any(
        container["Image"] != current
        or container["Config"]["Labels"]["com.docker.compose.config-hash"] != wanted
        for container in replicas
    )


def main() -> int:
    """Return 0 when the version serves, and 1 when it was taken back."""
    parser = ArgumentParser(description="Roll a version out.")
    parser.add_argument("version", nargs="?")
    parser.add_argument("--back", action="store_true")
    parser.add_argument("--watch", type=float, default=15)
    arguments = parser.parse_args()
    images = Images(json.loads(compose("config", "--format", "json")))
    images.remember()
    try:
        running = {service: containers(service) for service in SERVICES}
        if arguments.back:
            images.fetch_back(arguments.version or "previous")
        else:
            images.fetch(arguments.version)
    except (CommandError, KeyboardInterrupt) as error:
        images.back()
        print(f"{error or 'Stopped.'}\nNothing was changed.", file=sys.stderr)
        return 1
    # Without one of the services, or without images of before, there is nothing to come from.
    rolls = all(running.values()) and all(
        images.before[images.references[service]] for service in SERVICES
    )
    secrets = set(CHANGED.read_text().split()) if CHANGED.exists() else set[str]()
    forced = readers(images.config["services"], secrets)
    if rolls:
        rollout = Rollout(images.config, running)
        try:
            roll(rollout, images, forced, arguments.back, arguments.watch)
        except (CommandError, RolloutError, KeyboardInterrupt) as error:
            print(f"{error or 'Stopped.'}", file=sys.stderr)
            take_back(rollout, images)
            return 1
    elif arguments.back:
        say("not every service runs, so the earlier version is started where it was")
        try:
            compose("up", "--detach", "--no-build", "--wait", "--no-deps", *SERVICES)
        except CommandError as error:
            images.back()
            print(f"{error}\nThe earlier version does not start either.", file=sys.stderr)
            return 1
    images.keep()
    if rolls or arguments.back:
        tell_that_it_serves()
    if arguments.back and not follow(images.followers, images.gone):
        return 2
    if not arguments.back:
        try:
            up(images.config, rolls, [name for name in forced if name not in SERVICES])
        except CommandError as error:
            said = "The services run the new version; something else does not start."
            print(f"{error}\n{said if rolls else 'Not everything starts.'}", file=sys.stderr)
            return 2
        CHANGED.unlink(missing_ok=True)
        tell_that_it_serves()
    return 0


def follow(every: list[str], gone: list[str]) -> bool:
    """Let what runs beside the services be of their version; stop what that did not have yet."""
    if gone:
        compose("stop", *gone)
    followers = [name for name in every if name not in gone]
    try:
        if followers:
            compose("up", "--detach", "--no-build", "--wait", "--no-deps", *followers)
    except CommandError as error:
        compose("stop", *followers)
        names = " and ".join(followers)
        said = f"The services run the earlier version. It does not start {names}, stopped now."
        print(f"{error}\n{said}", file=sys.stderr)
        return False
    # What that version's files do not name, when it was checked out.
    orphans = ("--no-recreate", "--no-deps", "--remove-orphans")
    try:
        compose("up", "--detach", "--no-build", *orphans, "gateway")
    except CommandError as error:
        print(f"{error}\nWhat that version does not know may still run.", file=sys.stderr)
        return False
    return True


def tell_that_it_serves() -> None:
    """Write the file that whoever deploys looks for."""
    if told := os.environ.get("ROLLED_OUT"):
        Path(told).write_text("The services run what was asked for.\n")


def stop(*_: object) -> None:
    """End as Ctrl-C does: a connection that breaks must not leave two versions behind."""
    raise KeyboardInterrupt


def roll(rollout: Rollout, images: Images, forced: list[str], back: bool, seconds: float) -> None:
    """Change over to new replicas of the services that have changed."""
    todo = [each for each in SERVICES if changed(each, rollout.old[each], images, forced)]
    if not todo:
        say("the services run as they are to")
        return
    if not back:
        say("migrating, before the first request of the new version")
        compose("run", "--rm", "--no-deps", "-T", "migrate")
    rollout.ask_only(rollout.old["business_api"])
    rollout.create(todo)
    for service in todo:
        rollout.start(service)
    if "business_api" in todo:
        rollout.ask_only(rollout.new["business_api"])
        say("the gateway asks the new replicas")
        rollout.drain()
    rollout.watch(seconds)
    say("stopping the old replicas")
    rollout.retire({service: rollout.old[service] for service in todo})
    rollout.new.clear()
    rollout.ask_only([])


def up(config: dict[str, Any], rolled: bool, restarted: list[str]) -> None:
    """Start, or make anew, whatever else production's files describe.

    Only what was not rolled out is named: Compose would make the new replicas anew, all at once,
    because they depend on the migrations, whose image is another. Without the services it also
    waits in vain for what runs once, so that it is to wait for the rest alone.
    """
    say("starting everything else" if rolled else "starting everything")
    start = ("up", "--detach", "--no-build", "--remove-orphans")
    if rolled:
        others = {name: each for name, each in config["services"].items() if name not in SERVICES}
        lasting = [name for name, each in others.items() if each.get("restart", "no") != "no"]
        compose(*start, "--no-deps", *others)
        compose(*start, "--wait", "--no-recreate", "--no-deps", *lasting)
    else:
        compose(*start, "--wait")
    if rolled and restarted:
        say(f"starting anew, for new secrets: {' '.join(restarted)}")
        compose("restart", "--no-deps", *restarted)
        compose("up", "--detach", "--wait", "--no-recreate", "--no-deps", *restarted)


def take_back(rollout: Rollout, images: Images) -> None:
    """Let the old replicas go on alone, if they are still there."""
    images.back()
    if not rollout.new:
        return
    say("taking it back: the old replicas go on")
    rollout.ask_only(rollout.old["business_api"])
    rollout.drain()
    rollout.retire(rollout.new)
    rollout.ask_only([])
    say("taken back; nothing has changed for clients")


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, stop)
    sys.exit(main())

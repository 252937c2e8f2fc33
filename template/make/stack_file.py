"""Write the stack file for Docker Swarm from the compose files: reports/docker-stack.json.

`docker stack` takes neither `include` nor what `docker compose config` prints. Here the second
becomes what it takes: files of the project become configs, which are copied to every host; secrets
and configs carry a hash of their content in their name, because Swarm never changes one; what runs
once becomes a job; and whatever has a volume stays on the host that has the label `data`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from engine import compose
from images import DATABASE, SERVICES, fingerprint

STACK_FILE = Path("reports/docker-stack.json")
# Swarm takes no empty secret; whoever reads one leaves out the white space.
EMPTY = Path("secrets/.empty")
# Swarm takes a replica out of the DNS and stops it two seconds later; the gateway looks there every
# five, and a machine may be busy.
DRAIN_SECONDS = "12"
# The label of the database's services that tells the Dockerfile of their image.
MADE_FROM = "made-from"
KEPT = (
    "cap_add",
    "cap_drop",
    "command",
    "entrypoint",
    "environment",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "labels",
    "logging",
    "read_only",
    "stop_grace_period",
    "user",
    "working_dir",
)
UPDATE = {"order": "start-first", "parallelism": 1, "failure_action": "rollback", "monitor": "15s"}
ROLLBACK = {"order": "start-first", "parallelism": 1}

Spec = dict[str, Any]


class StackFile:
    """The stack that is put together: services, and the configs that they share."""

    def __init__(self, project: Spec) -> None:
        self._project = project
        self.name: str = project["name"]
        # Services may share an image that another service builds.
        self._of_database = {
            service["image"]
            for service in project["services"].values()
            if service.get("build", {}).get("context") == str(DATABASE.parent.resolve())
        }
        self._configs: Spec = {}

    def stack(self) -> Spec:
        """Return the whole stack, as `docker stack deploy` reads it."""
        services = {name: self._service(name) for name in self._project["services"]}
        return {
            "services": services,
            "networks": {"default": {"driver": "overlay", "attachable": True}},
            "volumes": self._project["volumes"],
            "secrets": {name: self._secret(name) for name in self._project["secrets"]},
            "configs": self._configs,
        }

    def _secret(self, name: str) -> Spec:
        file = Path(self._project["secrets"][name]["file"])
        if not file.read_bytes():
            EMPTY.write_text("\n")
            file = EMPTY.resolve()
        return {"name": f"{self.name}_{name}_{fingerprint(file)}", "file": str(file)}

    def _service(self, name: str) -> Spec:
        service: Spec = self._project["services"][name]
        found = {key: service[key] for key in KEPT if service.get(key) is not None}
        # Filebeat tells by these whose lines they are.
        found["labels"] = service.get("labels", {}) | {
            "com.docker.compose.project": self.name,
            "com.docker.compose.service": name,
        }
        if name in SERVICES:
            found["environment"] = found["environment"] | {"DRAIN_SECONDS": DRAIN_SECONDS}
            found["stop_grace_period"] = "40s"
        found["networks"] = list(service["networks"])
        found["deploy"] = self._deploy(name, service)
        mounts, configs = self._mounts(service)
        if mounts:
            found["volumes"] = mounts
        if configs:
            found["configs"] = configs
        if "secrets" in service:
            found["secrets"] = [
                {"source": each["source"], "target": Path(each["target"]).name}
                for each in service["secrets"]
            ]
        if service["image"] in self._of_database:
            found["deploy"]["labels"] = {MADE_FROM: fingerprint(DATABASE)}
        if "ports" in service:
            found["ports"] = [
                {key: value for key, value in each.items() if key != "host_ip"}
                | {"published": int(each["published"]), "mode": "host"}
                for each in service["ports"]
            ]
        return found

    def _deploy(self, name: str, service: Spec) -> Spec:
        limits = service["deploy"]["resources"]["limits"]
        deploy: Spec = {
            "resources": {"limits": limits | {"cpus": str(limits["cpus"])}},
            # The name of a service means all of its replicas, as gateway and Prometheus take it.
            "endpoint_mode": "dnsrr",
        }
        kept = any(each["type"] == "volume" for each in service.get("volumes", []))
        if kept or "ports" in service:
            deploy["placement"] = {"constraints": [f"node.labels.data == {self.name}"]}
        if service.get("restart", "no") == "no":
            return deploy | {
                "mode": "replicated-job",
                "restart_policy": {"condition": "on-failure", "delay": "5s", "max_attempts": 60},
            }
        if name in SERVICES:
            deploy |= {"update_config": UPDATE, "rollback_config": ROLLBACK}
        return deploy | {"replicas": service["deploy"].get("replicas", 1)}

    def _mounts(self, service: Spec) -> tuple[list[Spec], list[Spec]]:
        mounts: list[Spec] = []
        configs: list[Spec] = []
        for each in service.get("volumes", []):
            source = Path(each["source"])
            if each["type"] == "bind" and source == Path("/dev/null"):
                continue  # a file that is not asked for
            if each["type"] == "bind" and (source.is_relative_to(Path.cwd()) or source.is_file()):
                configs += self._copied(source, Path(each["target"]))
            else:
                known = ("type", "source", "target", "read_only")
                mounts.append({key: each[key] for key in known if key in each})
        mounts += [self._memory(each) for each in service.get("tmpfs", [])]
        if size := service.get("shm_size"):
            mounts.append({"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": int(size)}})
        return mounts, configs

    @staticmethod
    def _memory(entry: str) -> Spec:
        target, _, options = entry.partition(":")
        settings: Spec = {"mode": 0o1777}  # Swarm knows no owner of one
        for option in filter(None, options.split(",")):
            key, _, value = option.partition("=")
            if key == "size":
                settings["size"] = int(value.removesuffix("m")) * 1024 * 1024
        return {"type": "tmpfs", "target": target, "tmpfs": settings}

    def _copied(self, source: Path, target: Path) -> list[Spec]:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        found = []
        for file in filter(Path.is_file, files):
            key = f"{file.relative_to(Path.cwd()).as_posix().replace('/', '-')}"
            self._configs[key] = {
                "name": f"{self.name}_{fingerprint(file)}_{file.name}"[:64],
                "file": str(file),
            }
            place = target / file.relative_to(source) if source.is_dir() else target
            found.append({"source": key, "target": str(place)})
        return found


def write() -> Spec:
    """Write the stack file and return what is in it."""
    project = json.loads(compose("config", "--format", "json"))
    stack = StackFile(project).stack()
    STACK_FILE.parent.mkdir(exist_ok=True)
    STACK_FILE.write_text(json.dumps(stack, indent=2) + "\n")
    return stack


if __name__ == "__main__":
    written = write()
    print(f"{STACK_FILE}: {len(written['services'])} services", file=sys.stderr)

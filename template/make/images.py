"""The images of production: a version's own, the current ones, and those of the version before."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from engine import CommandError, compose, image_id, run, say, show

# What is rolled out, and its port, in the order of the start: the called one before the caller.
SERVICES = {"data_postgres_api": 8001, "business_api": 8000}
# All that the database's own images are made from.
DATABASE = Path("infrastructure/postgres/Dockerfile")


def untagged(reference: str) -> str:
    """Return an image's name without its tag."""
    return reference.rpartition(":")[0]


def has_registry(image: str) -> bool:
    """Whether an image's name begins with the host of a registry, by Docker's own rule."""
    host, slash, _ = image.partition("/")
    return bool(slash) and ("." in host or ":" in host or host == "localhost")


def fingerprint(file: Path) -> str:
    """Return what tells a file's content from others."""
    return sha256(file.read_bytes()).hexdigest()[:12]


@dataclass
class Images:
    """The images of the services, by their tags: current, previous, and a version's own."""

    config: dict[str, Any]
    before: dict[str, str] = field(default_factory=dict)
    kept_before: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Stop at what is built without a name, under which it could be gone back to."""
        services = self.config["services"].items()
        unnamed = [name for name, each in services if "build" in each and "image" not in each]
        if unnamed:
            sys.exit(
                f"No image is named for {' and '.join(unnamed)}. Name it in compose.prod.yml, as "
                "docker-compose.prod.yml does for business_api. Nothing was changed."
            )

    @cached_property
    def followers(self) -> list[str]:
        """What runs of the project's own code beside the services: it is to be of their version."""
        services = self.config["services"]
        # Services may share an image that another service builds.
        ours = {
            each["image"]
            for each in services.values()
            if each.get("build", {}).get("dockerfile", "").startswith("services/")
        }
        return [
            name
            for name, each in services.items()
            if name not in SERVICES
            and each.get("image") in ours
            and each.get("restart", "no") != "no"
        ]

    @cached_property
    def references(self) -> dict[str, str]:
        """The image of each service of the project's own code, as production's files name it."""
        names = [*SERVICES, *self.followers]
        return {service: self.config["services"][service]["image"] for service in names}

    @cached_property
    def built(self) -> list[str]:
        """Every image that is built from this project, without a tag."""
        services = self.config["services"].values()
        return sorted({untagged(each["image"]) for each in services if "build" in each})

    @cached_property
    def kept(self) -> dict[str, str]:
        """The database's images, and the name under which this machine keeps the one that runs.

        Every version builds them anew. From the same Dockerfile that is no reason to interrupt a
        database; `make prod` without a version takes one that was built here.
        """
        services = {untagged(reference) for reference in self.references.values()}
        tag = f"kept-{fingerprint(DATABASE)}"
        return {image: f"{image}:{tag}" for image in self.built if image not in services}

    def remember(self) -> None:
        """Note what is current, so that it can be put back."""
        self.before = {ref: image_id(ref) for ref in self.references.values()}
        self.kept_before = {
            ref: image_id(ref) for ref in (f"{image}:current" for image in self.kept)
        }

    def fetch(self, version: str | None) -> None:
        """Make the images of a version current: from the registry, from here, or built now."""
        self._fetch_others()
        if version is None:
            say("building the images of what is checked out")
            show("build", *([] if sys.stdout.isatty() else ["--quiet"]))
        else:
            self._take(version)
        for image, kept in self.kept.items():
            run("docker", "tag", f"{image}:current", kept)

    def _fetch_others(self) -> None:
        """Pull missing third-party images, with progress: the first time these are gigabytes."""
        services = {
            each["image"]: name
            for name, each in self.config["services"].items()
            if untagged(each["image"]) not in self.built
        }
        missing = [name for image, name in sorted(services.items()) if not image_id(image)]
        if missing:
            say(f"pulling {len(missing)} images")
            show("pull", *missing)

    def _take(self, version: str) -> None:
        found = {image: f"{image}:{version}" for image in self.built}
        found |= {image: kept for image, kept in self.kept.items() if image_id(kept)}
        for image, reference in found.items():
            if has_registry(image) and reference not in self.kept.values():
                say(f"pulling {reference}")
                run("docker", "pull", "--quiet", reference)
        if not all(map(image_id, found.values())):
            self.build(version)
        for image, reference in found.items():
            run("docker", "tag", reference, f"{image}:current")

    def fetch_back(self, version: str) -> None:
        """Make the services' images of an earlier version current.

        What follows the services and had no image then is noted as `gone`.
        """
        earlier = {
            reference: f"{untagged(reference)}:{version}" for reference in self.references.values()
        }
        needed = {self.references[service] for service in SERVICES}
        for reference, image in list(earlier.items()):
            try:
                if version != "previous" and has_registry(image):
                    say(f"pulling {image}")
                    run("docker", "pull", "--quiet", image)
                if not image_id(image):
                    raise CommandError(
                        f"There is no {image} here; make versions shows what there is."
                    )
            except CommandError:
                if reference in needed:
                    raise
                say(f"there is no {image}, so what runs of it is to stop")
                del earlier[reference]
        self.gone = [name for name in self.followers if self.references[name] not in earlier]
        for reference, image in earlier.items():
            run("docker", "tag", image, reference)

    def build(self, version: str) -> None:
        """Build the images of a version, if that is what is checked out."""
        git = ("git", "describe", "--exact-match", "--tags", "--dirty", "--match")
        found = subprocess.run((*git, f"v{version}"), capture_output=True, text=True).stdout.strip()
        if found != f"v{version}":
            raise CommandError(
                f"The images of {version} are not on this machine, IMAGES in .env names no "
                f"registry, and what is checked out is not v{version}. Check it out first."
            )
        say(f"building the images of {version}")
        compose("build", "--quiet", environment={"IMAGE_TAG": version})

    def back(self) -> None:
        """Make current what was so before this roll-out."""
        for reference, old in (self.before | self.kept_before).items():
            if old:
                run("docker", "tag", old, reference)

    def keep(self) -> None:
        """Give what was current before another name, for the way back.

        All of it, also what this version has in common with the one before: together they served.
        """
        if any(old != image_id(reference) for reference, old in self.before.items()):
            for reference, old in self.before.items():
                if old:
                    run("docker", "tag", old, f"{untagged(reference)}:previous")

"""Show which version of each service runs, and which others are on this machine."""

from __future__ import annotations

import json
import subprocess
from collections import Counter

from engine import compose, containers
from images import SERVICES, Images, untagged


def tags(image: str) -> dict[str, list[str]]:
    """Return the tags of an image's name by the ids that they stand for, the newest first."""
    listed = subprocess.run(
        ("docker", "image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Tag}}", image),
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, list[str]] = {}
    for line in listed.stdout.splitlines():
        identity, tag = line.split(" ", 1)
        found.setdefault(identity, []).append(tag)
    return found


def main() -> None:
    """Print a block for each service."""
    images = Images(json.loads(compose("config", "--format", "json")))
    for service in (*SERVICES, *images.followers):
        known = tags(untagged(images.references[service]))
        run = Counter(each["Image"] for each in containers(service))
        print(service)
        for identity, names in known.items():
            replicas = run[identity]
            print(f"  {', '.join(names)}" + (f"  (runs, {replicas} replicas)" if replicas else ""))
        if not known:
            print("  no image on this machine yet")


if __name__ == "__main__":
    main()

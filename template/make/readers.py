"""Which services read a secret that has changed, of those that are to run all the time.

As a program it prints them: the argument is a file with the names of the secrets, and the
configuration comes from `docker compose config --format json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def readers(services: dict[str, Any], changed: set[str]) -> list[str]:
    """Return the names of the services that read one of the secrets."""
    return [
        name
        for name, service in services.items()
        if service.get("restart", "no") != "no"
        and changed & {secret["source"] for secret in service.get("secrets", [])}
    ]


if __name__ == "__main__":
    names = set(Path(sys.argv[1]).read_text().split())
    print(*readers(json.load(sys.stdin)["services"], names))

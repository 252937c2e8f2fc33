"""Grafana's dashboards without Grafana: their queries, and whether they are of its schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard


def panels(folder: Path) -> dict[str, list[str]]:
    """The queries of every panel, by its title."""
    return {
        panel["title"]: [target["expr"] for target in panel["targets"]]
        for file in folder.glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        if panel["type"] != "row"
    }


def not_of_the_schema(file: Path) -> list[str]:
    """The places of a dashboard that Grafana's schema does not know, and ids of two panels."""
    given = json.loads(file.read_text())
    read = json.loads(json.dumps(Dashboard.from_json(given), default=lambda o: o.to_json()))
    ids = [panel["id"] for panel in given["panels"]]
    twice = [f"{file.name}: panel {one}" for one in set(ids) if ids.count(one) > 1]
    return list(_missing(given, read, file.name)) + twice


def _missing(given: Any, read: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(read, dict) or key not in read:
                yield f"{path}.{key}"
            else:
                yield from _missing(value, read[key], f"{path}.{key}")
    elif isinstance(given, list):
        for number, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from _missing(one, other, f"{path}[{number}]")
    elif given != read:
        yield path

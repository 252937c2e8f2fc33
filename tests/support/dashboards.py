"""Grafana's dashboards without Grafana: their queries, and whether they are of its schema."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.support.http import eventually


def panels(folder: Path) -> dict[str, list[str]]:
    """The queries of every panel, by its dashboard and title."""
    return {
        f"{file.stem}: {panel['title']}": [target["expr"] for target in panel["targets"]]
        for file in folder.glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        if panel["type"] != "row"
    }


def without_data(
    folder: Path, query: Callable[[str], list[Any]], traffic: Callable[[], None]
) -> list[str]:
    """The panels that stay empty after some traffic; `query` asks Prometheus."""
    asked = {
        expression.replace("$__rate_interval", "1m"): panel
        for panel, expressions in panels(folder).items()
        for expression in expressions
    }
    traffic()
    time.sleep(16)  # a rate needs two scrapes
    traffic()

    def all_answer() -> bool:
        # A query that has been answered once has shown what it should.
        for expression in [one for one in asked if query(one)]:
            del asked[expression]
        return not asked

    with suppress(AssertionError):
        eventually(all_answer, seconds=120)
    return sorted(set(asked.values()))


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


def metric_names(expression: str) -> set[str]:
    """The metrics that a PromQL expression names."""
    left = re.sub(r'"[^"]*"', "", expression)
    left = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", left)
    left = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", left)
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w|:)(?!\s*\()", left)
    return set(words) - {"and", "or", "unless", "bool", "offset"}

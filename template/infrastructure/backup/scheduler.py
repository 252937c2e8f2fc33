"""Makes the backups when they are due, and tells Prometheus how old they are and what failed.

What is due follows from the backups that are there, not from a clock: a container that was away for
a night makes up for it, and one that starts anew repeats nothing.
"""

import json
import logging
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge, start_http_server

PORT = 9854
# A failed attempt is repeated after this time, and what is due is looked up this often.
PAUSE_SECONDS = 60
PGBACKREST = ("pgbackrest", "--stanza=main")
ARCHIVING = Path("/tmp/archiving")

LAST_SUCCESS = Gauge(
    "backup_last_success_timestamp_seconds",
    "When the newest backup was finished, by repository and type; 0 when there is none.",
    ["repository", "type"],
)
INTERVAL = Gauge(
    "backup_interval_seconds", "How old the newest backup may become, by type.", ["type"]
)
FAILURES = Counter("backup_failures_total", "Backups that failed, by repository.", ["repository"])
FAILED = Gauge(
    "backup_last_attempt_failed", "1 when the newest attempt failed, by repository.", ["repository"]
)
SECONDS = Gauge("backup_duration_seconds", "How long the newest backup took.", ["repository"])
SIZE = Gauge(
    "backup_repository_bytes", "What all backups together take, by repository.", ["repository"]
)

log = logging.getLogger("scheduler")


class JsonLines(logging.Formatter):
    """Log records in the shape that the services have too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return json.dumps(
            {
                "event": record.getMessage(),
                "level": record.levelname.lower(),
                "logger": record.name,
                "timestamp": when,
                "service": "backup",
            }
        )


class Failed(Exception):
    """What pgBackRest said when it failed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How old the newest backup may become, in seconds: a full one, and one of any type."""

    full: float
    incremental: float

    @classmethod
    def from_environment(cls) -> "Schedule":
        """Read BACKUP_FULL_DAYS and BACKUP_INCREMENTAL_HOURS; raise `ValueError` on nonsense."""
        days = float(os.environ.get("BACKUP_FULL_DAYS", "7"))
        hours = float(os.environ.get("BACKUP_INCREMENTAL_HOURS", "6"))
        if not (days > 0 and hours > 0):
            raise ValueError("BACKUP_FULL_DAYS and BACKUP_INCREMENTAL_HOURS are numbers above 0.")
        return cls(full=days * 86400, incremental=hours * 3600)


def due(backups: Iterable[dict[str, Any]], schedule: Schedule, now: float) -> str | None:
    """Return the type of the backup to be made in the repository of `backups`, if one is due."""
    finished = dict.fromkeys(("full", "diff", "incr"), 0.0)
    for backup in backups:
        if not backup.get("error"):
            stop = float(backup["timestamp"]["stop"])
            finished[backup["type"]] = max(finished[backup["type"]], stop)
    if now - finished["full"] >= schedule.full:
        return "full"
    if now - max(finished.values()) >= schedule.incremental:
        return "incr"
    return None


def pgbackrest(*arguments: str) -> str:
    """Run pgBackRest and return what it wrote; raise `Failed` with its last words."""
    done = subprocess.run([*PGBACKREST, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise Failed(" ".join((done.stderr + done.stdout).split())[-500:])
    return done.stdout


def repositories() -> dict[str, list[dict[str, Any]]]:
    """Return the backups of each repository, and keep the gauges up to date."""
    stanza = json.loads(pgbackrest("info", "--output=json"))[0]
    found: dict[str, list[dict[str, Any]]] = {str(repo["key"]): [] for repo in stanza["repo"]}
    for backup in stanza["backup"]:
        found[str(backup["database"]["repo-key"])].append(backup)
    for repository, backups in found.items():
        FAILURES.labels(repository)
        FAILED.labels(repository)
        for kind in ("full", "incr"):
            stops = [b["timestamp"]["stop"] for b in backups if b["type"] == kind]
            LAST_SUCCESS.labels(repository, kind).set(max(stops, default=0))
        SIZE.labels(repository).set(sum(b["info"]["repository"]["delta"] for b in backups))
    return found


def make(repository: str, kind: str) -> None:
    """Make one backup and note how it went."""
    log.info("making a backup of type %s in repository %s", kind, repository)
    start = time.monotonic()
    try:
        pgbackrest(f"--repo={repository}", f"--type={kind}", "backup")
    except Failed as error:
        FAILURES.labels(repository).inc()
        FAILED.labels(repository).set(1)
        log.error("the backup in repository %s failed: %s", repository, error)
        return
    FAILED.labels(repository).set(0)
    SECONDS.labels(repository).set(time.monotonic() - start)
    log.info("the backup in repository %s took %.1f s", repository, time.monotonic() - start)


def prepare() -> Iterator[None]:
    """Make the stanza and see a segment archived; yield after each attempt that failed."""
    while True:
        try:
            pgbackrest("stanza-create")
            pgbackrest("check")
        except Failed as error:
            log.warning("the archive does not work yet: %s", error)
            yield
        else:
            ARCHIVING.touch()
            log.info("finished segments are archived")
            return


def main() -> None:
    """Make backups for as long as the container runs."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    schedule = Schedule.from_environment()
    INTERVAL.labels("full").set(schedule.full)
    INTERVAL.labels("incr").set(schedule.incremental)
    start_http_server(PORT)
    for _ in prepare():
        time.sleep(1)
    while True:
        try:
            for repository, backups in repositories().items():
                kind = due(backups, schedule, time.time())
                if kind is not None:
                    make(repository, kind)
                    repositories()
        except Failed as error:
            log.error("the repositories cannot be read: %s", error)
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    # How PostgreSQL's image wants to be stopped.
    with suppress(KeyboardInterrupt):
        main()

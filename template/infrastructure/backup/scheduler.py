"""Makes the backups when they are due, and tells Prometheus how old they are and what failed.

What is due follows from the backups that are there, not from a clock: a container that was away for
a night makes up for it, and one that starts anew repeats nothing.
"""

import json
import logging
import os
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge, start_http_server

PORT = 9854
# A failed attempt is repeated after this time, and what is due is looked up this often.
PAUSE_SECONDS = 60
# What pgBackRest says of a repository that works: good, and without a backup.
WORKS = frozenset({0, 2})
WHERE = {"all": "all repositories", "first": "the first repository"}
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

# When the newest attempt in a repository failed, in seconds since 1970.
failed_at: dict[str, float] = {}

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


def finished(backups: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Return when the newest good backup of each type was finished, in seconds since 1970."""
    newest: dict[str, float] = {}
    for backup in backups:
        if not backup.get("error"):
            stop = float(backup["timestamp"]["stop"])
            newest[backup["type"]] = max(newest.get(backup["type"], 0), stop)
    return newest


def due(backups: Iterable[dict[str, Any]], schedule: Schedule, now: float) -> str | None:
    """Return the type of the backup to be made in the repository of `backups`, if one is due.

    One in which pages were damaged counts as made: another one would be the same.
    """
    newest = {"full": 0.0, "any": 0.0}
    for backup in backups:
        for kind in {backup["type"], "any"} & newest.keys():
            newest[kind] = max(newest[kind], float(backup["timestamp"]["stop"]))
    if now - newest["full"] >= schedule.full:
        return "full"
    if now - newest["any"] >= schedule.incremental:
        return "incr"
    return None


def pgbackrest(*arguments: str, repositories: str = "all") -> str:
    """Run pgBackRest and return what it wrote; raise `Failed` with its last words.

    Some of its commands are always for all repositories, unless it knows of the `first` only.
    """
    known = dict(os.environ)
    if repositories == "first":
        known = {k: v for k, v in known.items() if not k.startswith("PGBACKREST_REPO2_")}
    done = subprocess.run([*PGBACKREST, *arguments], capture_output=True, text=True, env=known)
    if done.returncode:
        raise Failed(" ".join((done.stderr + done.stdout).split())[-500:])
    return done.stdout


def repositories() -> dict[str, list[dict[str, Any]]]:
    """Return the backups of each repository that works, and keep the gauges up to date."""
    stanza = json.loads(pgbackrest("info", "--output=json"))[0]
    found: dict[str, list[dict[str, Any]]] = {}
    for repository in stanza["repo"]:
        key = str(repository["key"])
        FAILURES.labels(key)
        for kind in ("full", "diff", "incr"):
            LAST_SUCCESS.labels(key, kind)
        if repository["status"]["code"] in WORKS:
            found[key] = []
        else:
            FAILED.labels(key).set(1)
            log.error("repository %s: %s", key, repository["status"]["message"])
    for backup in stanza["backup"]:
        key = str(backup["database"]["repo-key"])
        if key in found:
            found[key].append(backup)
    for key, backups in found.items():
        for kind, stop in finished(backups).items():
            LAST_SUCCESS.labels(key, kind).set(stop)
        # One that was made by hand has made up for a failure, too.
        newest = max(finished(backups).values(), default=0)
        tried = [float(b["timestamp"]["stop"]) for b in backups]
        FAILED.labels(key).set(max([failed_at.get(key, 0), *tried]) > newest)
        SIZE.labels(key).set(sum(b["info"]["repository"]["delta"] for b in backups))
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
        failed_at[repository] = time.time()
        log.error("the backup in repository %s failed: %s", repository, error)
        return
    SECONDS.labels(repository).set(time.monotonic() - start)
    log.info("the backup in repository %s took %.1f s", repository, time.monotonic() - start)


def prepare() -> bool:
    """Make the stanza and see a segment archived; return whether that went well everywhere.

    The first repository is enough to go on with: that the other cannot be reached is no reason to
    have no backup at all.
    """
    second = "PGBACKREST_REPO2_TYPE" in os.environ and not ARCHIVING.exists()
    for which in ("all", "first") if second else ("all",):
        try:
            pgbackrest("stanza-create", repositories=which)
            pgbackrest("check", repositories=which)
        except Failed as error:
            log.warning("the archive does not work yet in %s: %s", WHERE[which], error)
        else:
            ARCHIVING.touch()
            log.info("finished segments are archived in %s", WHERE[which])
            return which == "all"
    return False


def work(schedule: Schedule) -> None:
    """Make the backups that are due."""
    try:
        for repository, backups in repositories().items():
            kind = due(backups, schedule, time.time())
            if kind is not None:
                make(repository, kind)
                repositories()
    except Failed as error:
        log.error("the repositories cannot be read: %s", error)


def main() -> None:
    """Make backups for as long as the container runs."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    schedule = Schedule.from_environment()
    INTERVAL.labels("full").set(schedule.full)
    INTERVAL.labels("incr").set(schedule.incremental)
    start_http_server(PORT)
    prepared = False
    while True:
        prepared = prepared or prepare()
        if ARCHIVING.exists():
            work(schedule)
            time.sleep(PAUSE_SECONDS)
        else:
            time.sleep(1)


if __name__ == "__main__":
    # How PostgreSQL's image wants to be stopped.
    with suppress(KeyboardInterrupt):
        main()

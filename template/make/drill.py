"""Drills on a stack of their own: the primary is killed, the data are lost, and both come back.

What they measured is written to reports/drill-failover.md and reports/drill-restore.md.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.journeys import Journey

REPORTS = Path("reports")
FILES = ("-f", "docker-compose.yml", "-f", "docker-compose.drill.yml")
# Longer than "archive_timeout", so that a segment is archived because of its age.
STEADY_SECONDS = 75
S3 = {
    "BACKUP_S3_ENDPOINT": "s3:8333",
    "BACKUP_S3_BUCKET": "backups",
    "BACKUP_S3_KEY": "drill",
    "BACKUP_S3_KEY_SECRET": "only-for-the-drill",
    "BACKUP_S3_VERIFY_TLS": "n",
}


class Stack:
    """The system under a project name of its own, on free ports."""

    def __init__(self, drill: str, **settings: str) -> None:
        self.name = f"drill-{drill}-{sha256(str(Path.cwd()).encode()).hexdigest()[:12]}"
        # Never the real second repository: it would take this database for the one it belongs to.
        apart = {"COMPOSE_PROJECT_NAME": self.name, "BACKUP_S3_ENDPOINT": ""}
        self.env = os.environ | apart | settings

    def run(self, *command: str) -> str:
        """Run a command and return its output; end the drill with what it said when it fails."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def compose(self, *arguments: str) -> str:
        """Run docker compose with the files of the drill."""
        return self.run("docker", "compose", *FILES, *arguments)

    def make(self, *arguments: str) -> str:
        """Run a target of this project on the stack of the drill."""
        return self.run("make", "--no-print-directory", *arguments, "FOR=drill")

    def query(self, node: str, statement: str) -> list[str]:
        """Return the lines that a node answers."""
        psql = ("psql", "-qAt", "-U", "app", "-d", "app", "-c", statement)
        return self.compose("exec", "-T", node, *psql).splitlines()

    def start(self, *services: str) -> None:
        """Build and start what the drill needs, and wait until it is healthy."""
        say("starting a stack of its own")
        self.compose("up", "--build", "--detach", "--wait", *services)

    def remove(self) -> None:
        """Leave nothing behind."""
        down = ("down", "--volumes", "--rmi", "local", "--remove-orphans", "--timeout", "1")
        subprocess.run(("docker", "compose", *FILES, *down), env=self.env, capture_output=True)


class Writer:
    """Creates one after the other by the journey, and remembers which were confirmed and when."""

    def __init__(self, stack: Stack, journey: "Journey") -> None:
        self._stack = stack
        self._journey = journey
        self.confirmed: dict[str, float] = {}
        self.refused = 0
        self._key = ""
        self._url = ""
        self.look_up()

    def look_up(self) -> None:
        """Find the service and get a token for it."""
        where = self._stack.compose("port", "business_api", "8000").strip()
        self._url = f"http://{where}"
        roles = f"ROLES={self._journey.ROLES}"
        self._key = self._stack.make("--silent", "auth-header", "WHO=drill", roles).strip()

    def create(self) -> bool:
        """Create one; say whether it was confirmed."""
        name, value = self._key.split(": ", 1)
        headers = {name: value, "Content-Type": "application/json"}
        method, path, body = self._journey.create()
        data = json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                self.confirmed[str(json.load(answer)[self._journey.KEY])] = time.time()
        except (urllib.error.URLError, OSError):
            self.refused += 1
            return False
        return True

    def create_many(self, count: int) -> set[str]:
        """Create some that must all be confirmed; return their keys."""
        before = set(self.confirmed)
        for _ in range(count):
            if not self.create():
                sys.exit("A request was refused while nothing was wrong.")
        return set(self.confirmed) - before

    @contextmanager
    def steadily(self) -> Iterator[None]:
        """Create for as long as the block lasts."""
        ended = Event()

        def work() -> None:
            while not ended.is_set():
                time.sleep(0.01 if self.create() else 0.05)

        thread = Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def say(text: str) -> None:
    """Print progress: a drill takes minutes."""
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)


def until(what: str, is_so: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so, and return how long that took; end the drill when it never is."""
    start = time.monotonic()
    while not is_so():
        if time.monotonic() - start > seconds:
            sys.exit(f"After {seconds:.0f} seconds still not so: {what}.")
        time.sleep(0.1)
    return time.monotonic() - start


def change_over(
    stack: Stack, journey: "Journey", old: str, new: str, *, killed: bool
) -> tuple[float, int, int, int]:
    """Let `new` become the primary under writes.

    Returns the seconds without a confirmed write, and how many writes were confirmed, refused and
    lost.
    """
    writer, keys = Writer(stack, journey), f"SELECT {journey.KEY} FROM {journey.TABLE}"
    with writer.steadily():
        until("writes are confirmed", lambda: len(writer.confirmed) >= 20, 60)
        if killed:
            stack.compose("kill", old)
        stack.make("promote")
        promoted = time.time()
        until("writes are confirmed again", lambda: max(writer.confirmed.values()) > promoted, 60)
        time.sleep(1)
    moments = sorted(writer.confirmed.values())
    gap = max(later - earlier for earlier, later in pairwise(moments))
    there = set(stack.query(new, keys))
    lost = len(writer.confirmed.keys() - there)
    say(f"{new} writes after {gap:.1f} s; {len(moments)} writes confirmed, {lost} of them lost")
    stack.make("rejoin")
    until(
        f"{old} follows {new}",
        lambda: len(stack.query(old, keys)) == len(stack.query(new, keys)),
        60,
    )
    say(f"{old} is the standby, with the same rows")
    return gap, len(moments), writer.refused, lost


def failover(journey: "Journey") -> int:
    """Kill the primary twice, change places once; return 0 when no write was lost against rules."""
    stack = Stack("failover", POSTGRES_SYNCHRONOUS="off")
    rows = []
    try:
        stack.start("postgres_standby", "backup", "business_api")
        say("killing the primary under writes; commits do not wait for the standby")
        killed = change_over(stack, journey, "postgres", "postgres_standby", killed=True)
        rows.append(("killed, asynchronous", *killed))
        stack.env["POSTGRES_SYNCHRONOUS"] = "on"
        stack.compose("run", "--rm", "--no-deps", "-T", "postgres_setup")
        say("killing the primary under writes; commits wait for the standby")
        synchronous = change_over(stack, journey, "postgres_standby", "postgres", killed=True)
        rows.append(("killed, synchronous", *synchronous))
        say("changing places while both work")
        planned = change_over(stack, journey, "postgres", "postgres_standby", killed=False)
        rows.append(("changed places", *planned))
    finally:
        stack.remove()
    lines = [
        f"| {what} | {gap:.1f} s | {confirmed} | {refused} | {lost} |"
        for what, gap, confirmed, refused, lost in rows
    ]
    report(
        "failover",
        "| The primary was | No write confirmed for | Confirmed | Refused | Confirmed and lost |",
        "| --- | --- | --- | --- | --- |",
        *lines,
    )
    return 1 if synchronous[3] or planned[3] else 0


def full_backups(stack: Stack) -> int:
    """Return in how many repositories there is a full backup."""
    said = stack.make("--silent", "backups")
    return sum(f"repo{number}: backup" in said for number in (1, 2))


def in_store(stack: Stack, command: str) -> str:
    """Run a command of SeaweedFS's shell and return what it says, errors included."""
    shell = f"echo {command} | weed shell -master=127.0.0.1:9333 2>&1 || :"
    return stack.compose("exec", "-T", "s3", "sh", "-c", shell)


def restore(journey: "Journey") -> int:
    """Undo a mistake, then lose the machine; return 0 when all that may be there is there."""
    stack = Stack("restore", **S3)
    try:
        stack.run("make", "certs")
        stack.compose("up", "--detach", "s3")
        until(
            "there is a bucket",
            lambda: "create bucket" in in_store(stack, "s3.bucket.create -name backups"),
            60,
        )
        stack.start("postgres_standby", "backup", "business_api")
        until("both repositories hold a full backup", lambda: full_backups(stack) == 2, 300)

        say("writing, and then by mistake deleting everything")
        writer, keys = Writer(stack, journey), f"SELECT {journey.KEY} FROM {journey.TABLE}"
        before = writer.create_many(25)
        time.sleep(1)
        target = stack.query("postgres", "SELECT now()")[0]
        time.sleep(1)
        after = writer.create_many(25)
        stack.query("postgres", f"TRUNCATE {journey.TABLE} CASCADE")
        start = time.monotonic()
        stack.make("restore", f"TO={target}")
        until("writes are confirmed again", writer.create, 60)
        undone = time.monotonic() - start
        there = set(stack.query("postgres", keys))
        missing, unwanted = len(before - there), len(after & there)
        say(f"restored to {target} in {undone:.1f} s: {missing} missing, {unwanted} too many")
        followers = "SELECT count(*) FROM pg_stat_replication"
        until("the standby follows", lambda: stack.query("postgres", followers) == ["1"], 60)

        say(f"writing for {STEADY_SECONDS} s, and then losing the machine")
        with writer.steadily():
            time.sleep(STEADY_SECONDS)
        stack.compose("kill")
        lost_at = time.time()
        volumes = ("postgres_data", "postgres_standby_data", "postgres_cluster", "backups")
        stack.compose("rm", "--force", "postgres", "postgres_standby", "postgres_setup", "backup")
        stack.run("docker", "volume", "rm", *(f"{stack.name}_{volume}" for volume in volumes))
        # The store was on another machine, so its own start is no part of the restore.
        stack.compose("up", "--detach", "s3")
        until("the store answers", lambda: "backups" in in_store(stack, "s3.bucket.list"), 60)
        start = time.monotonic()
        stack.make("restore", "TO=latest", "REPOSITORY=2")
        stack.start("postgres_standby", "backup", "business_api")
        writer.look_up()
        confirmed = dict(writer.confirmed)
        writer.create_many(1)
        rebuilt = time.monotonic() - start
        there = set(stack.query("postgres", keys))
        window = lost_at - max(moment for key, moment in confirmed.items() if key in there)
        say(f"rebuilt from the second repository in {rebuilt:.1f} s")
        say(f"the last {window:.1f} s are lost")
    finally:
        stack.remove()
    report(
        "restore",
        "| What happened | Served again after | What is lost |",
        "| --- | --- | --- |",
        f"| Rows were deleted by mistake | {undone:.1f} s | what came after {target} |",
        f"| The machine was lost, with both nodes and the first repository | {rebuilt:.1f} s | "
        f"the last {window:.1f} s |",
    )
    return 1 if missing or unwanted or window > STEADY_SECONDS else 0


def report(drill: str, *table: str) -> None:
    """Write what a drill measured."""
    REPORTS.mkdir(exist_ok=True)
    path = REPORTS / f"drill-{drill}.md"
    made = f"Made by `make drill-{drill}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.\n"
    path.write_text("\n".join((f"# Drill: {drill}\n", made, *table, "")))
    say(f"the report is in {path}")


def main() -> int:
    """Run the drill that is asked for."""
    sys.path.append(".")
    from tests.journeys import described

    return {"failover": failover, "restore": restore}[sys.argv[1]](described())


if __name__ == "__main__":
    sys.exit(main())

"""What has to happen to the database before the project moves down."""

import os
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

from moving.repository import Refused, say
from moving.request import Wanted

MIGRATIONS = Path("services/data_postgres_api/migrations/versions")


def compose(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [*os.environ["COMPOSE"].split(), *arguments]
    return subprocess.run(command, **options)


def output_of(*arguments: str) -> str:
    return compose(*arguments, stdout=subprocess.PIPE).stdout.decode().strip()


def branches(wanted: Wanted, stays: set[str]) -> list[str]:
    """Return the branches of migrations that go: nothing could revert them afterwards."""
    found = []
    for folder in sorted(MIGRATIONS.glob("*/")):
        text = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
        level = re.search(r"^level: int = (\d+)", text, re.MULTILINE)
        module = re.search(r'^module: str = "(\w+)"', text, re.MULTILINE)
        above = wanted.level and level and int(level[1]) > int(wanted.level)
        if above or (wanted.module and module and module[1] not in stays):
            found.append(folder.name)
    return found


def bring_down(wanted: Wanted, stays: set[str]) -> None:
    """Back up the data, and revert what the project could not revert after the move."""
    what = f"without-{wanted.module}" if wanted.module else f"level-{wanted.level}"
    backup = Path(f"backups/before-{what}-{datetime.now():%Y%m%d-%H%M%S}.sql")
    runs = output_of("ps", "--quiet", "--status", "running", "postgres")
    if runs:
        query = ("psql", "-qAt", "-U", "app", "-d", "app", "-c", "SELECT pg_is_in_recovery()")
        if wanted.level and output_of("exec", "-T", "postgres", *query) == "t":
            raise Refused(
                'Lower levels have one database node, "postgres", and it is the standby now. '
                "Make it the primary first: make promote && make rejoin"
            )
        backup.parent.mkdir(exist_ok=True)
        with os.fdopen(os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            dump = ("exec", "-T", "postgres", "pg_dump", "--username", "app", "app")
            if compose(*dump, stdout=file).returncode:
                raise Refused("The database could not be backed up. Nothing was changed.")
        say(f"The data are in {backup}.")
    else:
        say("PostgreSQL is not running, so there is no backup; its volume stays as it is.")
    gone = branches(wanted, stays)
    if gone and not runs:
        raise Refused("The move removes tables, so the database has to run. Start it: make up")
    if wanted.module and runs:
        for script in sorted(Path("make").glob("before-without-*.sh")):
            if script.stem.removeprefix("before-without-") not in stays:
                done = subprocess.run(["sh", script], env=os.environ | {"STAYS": " ".join(stays)})
                if done.returncode:
                    raise SystemExit(done.returncode)
        # A service that still writes to the tables would fail.
        running = output_of("ps", "--services", "--status", "running").split()
        if others := [name for name in running if not name.startswith("postgres")]:
            compose("stop", *others, capture_output=True)
        say('The services are stopped. "make up" starts them without the module.')
    for branch in gone:
        say(f"Taking away the tables of {branch}.")
        revert = ("run", "--rm", "--no-deps", "--build", "migrate", "alembic", "downgrade")
        if compose(*revert, f"{branch}@base", stdout=subprocess.DEVNULL).returncode:
            raise Refused(f"The tables of {branch} are still there. The files were not changed.")
    if wanted.level and Path("infrastructure/postgres/scripts/alone.sh").is_file() and runs:
        say("Letting the database work without its second node.")
        compose("rm", "--stop", "--force", "postgres_standby", capture_output=True)
        if compose("exec", "-T", "postgres", "sh", "/opt/cluster/alone.sh").returncode:
            raise Refused("The database still expects its second node. The files were not changed.")

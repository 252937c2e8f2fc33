"""Says whether the backups reach back to a time; `make restore` asks before it stops anything."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from scheduler import Failed, pgbackrest, repositories


def timelines(repository: str) -> set[int]:
    """Return the numbers of the histories that the archive knows."""
    place = ("archive/main", "--recurse", r"--filter=[.]history$")
    names = pgbackrest(f"--repo={repository}", "repo-ls", *place).split()
    return {1} | {int(Path(name).stem, 16) for name in names}


def main(to: str, repository: str, timeline: str) -> None:
    """Print the time as it was understood, or end with what there is instead."""
    found = repositories()
    backups = [
        (float(backup["timestamp"]["stop"]), key, backup["type"])
        for key, listed in found.items()
        for backup in listed
        if repository == key
    ]
    if not backups:
        filled = " or ".join(f"REPOSITORY={key}" for key, listed in found.items() if listed)
        sys.exit(f"There is no backup in repository {repository}." + (filled and f" Try {filled}."))
    if timeline and int(timeline) not in (known := timelines(repository)):
        sys.exit(f"There is no timeline {timeline}; the newest one is {max(known)}.")
    first = datetime.fromtimestamp(min(backups)[0], UTC)
    if to == "latest":
        sys.stdout.write(to)
        return
    try:
        when = datetime.fromisoformat(to)
    except ValueError:
        sys.exit(f'TO is a time such as "2026-11-23 10:30:00+00", or latest; it is "{to}".')
    if when.tzinfo is None:
        sys.exit(f'Say in which time zone: "{to}+00" is UTC.')
    if not first <= when <= datetime.now(UTC):
        sys.exit(f"The backups reach from {first:%Y-%m-%d %H:%M:%S}+00 until now, and not to {to}.")
    sys.stdout.write(f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3])
    except (Failed, KeyError, IndexError) as error:
        sys.exit(f"The repositories cannot be read: {error}")

"""Says whether the backups reach back to a time; `make restore` asks before it stops anything."""

import sys
from datetime import UTC, datetime

from scheduler import Failed, repositories


def main(to: str, repository: str) -> None:
    """Print the time as it was understood, or end with the backups that there are."""
    try:
        found = repositories()
    except (Failed, KeyError, IndexError) as error:
        sys.exit(f"The repositories cannot be read: {error}")
    backups = [
        (float(backup["timestamp"]["stop"]), key, backup["type"])
        for key, listed in found.items()
        for backup in listed
        if repository in ("", key)
    ]
    if not backups:
        sys.exit("There is no backup" + (f" in repository {repository}." if repository else "."))
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
    main(sys.argv[1], sys.argv[2])

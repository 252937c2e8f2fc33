"""Says from which repository a time can be restored, before `make restore` stops anything."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scheduler import Failed, finished, pgbackrest, repositories


def understood(to: str) -> datetime | None:
    """Return the time that `to` is, None for the latest; end with what is wrong with it."""
    if to == "latest":
        return None
    try:
        when = datetime.fromisoformat(to)
    except ValueError:
        sys.exit(f'TO is a time such as "2026-11-23 10:30:00+00", or latest; it is "{to}".')
    if when.tzinfo is None:
        sys.exit(f'Say in which time zone: "{to}+00" is UTC.')
    return when


def oldest(backups: list[dict[str, Any]]) -> datetime | None:
    """Return the first moment that can be restored, None when there is no good backup."""
    stops = [float(b["timestamp"]["stop"]) for b in backups if finished([b])]
    return datetime.fromtimestamp(min(stops), UTC) if stops else None


def timelines(repository: str) -> set[int]:
    """Return the numbers of the histories that the archive of a repository knows."""
    place = ("archive/main", "--recurse", r"--filter=[.]history$")
    names = pgbackrest(f"--repo={repository}", "repo-ls", *place).split()
    return {1} | {int(Path(name).stem, 16) for name in names}


def main(to: str, repository: str, timeline: str) -> None:
    """Print repository and time as they were understood, or end with what there is instead.

    Without a `repository`, it is the first that reaches back to the time.
    """
    when = understood(to)
    found = repositories()
    reach = {key: since for key, backups in sorted(found.items()) if (since := oldest(backups))}
    if not reach:
        sys.exit("There is no backup.")
    asked = {key: since for key, since in reach.items() if repository in ("", key)}
    if not asked:
        others = " or ".join(f"REPOSITORY={key}" for key in reach)
        sys.exit(f"There is no backup in repository {repository}. Try {others}.")
    if timeline:
        known = {key: timelines(key) for key in asked}
        asked = {key: since for key, since in asked.items() if int(timeline) in known[key]}
        if not asked:
            newest = max(max(numbers) for numbers in known.values())
            sys.exit(f"There is no timeline {timeline}; the newest one is {newest}.")
    if when is None:
        sys.stdout.write(f"{next(iter(asked))} {to}")
        return
    for key, since in asked.items():
        if since <= when <= datetime.now(UTC):
            sys.stdout.write(f"{key} {when.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00")
            return
    from_ = "".join(f"\nRepository {k}: from {s:%Y-%m-%d %H:%M:%S}+00" for k, s in reach.items())
    sys.exit(f"The backups reach until now, and not to {to}.{from_}")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3])
    except (Failed, KeyError, IndexError) as error:
        sys.exit(f"The repositories cannot be read: {error}")

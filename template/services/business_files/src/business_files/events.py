"""What happens to files: one line in the log each, and whatever the folder `observers` has."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from chassis.modules import find_hooks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileEvent:
    """Something that happened to a file: `size` in bytes, `seconds` that it took.

    `action` is received, verified, served, purged or orphaned; `outcome` says how it ended.
    """

    action: str
    file_id: UUID | None
    outcome: str
    size: int | None = None
    content_type: str | None = None
    seconds: float = 0
    reason: str | None = None


def note(event: FileEvent) -> None:
    """Log an event, and tell all observers."""
    why = f" ({event.reason})" if event.reason else ""
    log.info(
        "file %s %s: %s%s, %s bytes in %.3f s",
        event.file_id or "-",
        event.action,
        event.outcome,
        why,
        event.size,
        event.seconds,
        extra={
            "file_id": str(event.file_id) if event.file_id else None,
            "size": event.size,
            "content_type": event.content_type,
            "outcome": event.outcome,
            "duration_s": round(event.seconds, 3),
        },
    )
    for observe in observers():
        observe(event)


@cache
def observers() -> list[Any]:
    """Return what hears of events; a process calls this when it starts, so that all are ready."""
    return find_hooks("business_files", "observers", "observe")

"""File events: each is one log line and is passed to the modules in the folder `observers`."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from chassis.modules import find_hooks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event of a file, with its `size` in bytes and its duration in `seconds`.

    `action` is received, verified, served, copied, purged or orphaned.
    """

    action: str
    file_id: UUID | None
    outcome: str
    size: int | None = None
    content_type: str | None = None
    seconds: float = 0
    reason: str | None = None


def note(event: FileEvent) -> None:
    """Log an event and pass it to all observers."""
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
    """Return the observers; each process calls this at its start, so that all are imported."""
    return find_hooks("business_files", "observers", "observe")

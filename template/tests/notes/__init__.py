"""A resource of the tests' own on both services, so that guarantees are proven on any project.

Notes belong to their author. Authors write, read and close their own, keepers read and close all.
"""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from contracts.base import Contract

# Names that no project has, with roles to match.
PATH = "/api/v1/test-notes"
BODY = {"text": "Water the plants", "tags": ["home"]}


class NoteStatus(StrEnum):
    """What became of a note."""

    OPEN = "open"
    CLOSED = "closed"


class NewNote(Contract):
    """A note to be stored."""

    text: str = Field(min_length=1, max_length=200)
    tags: tuple[str, ...] = Field(default=(), max_length=10)


class Note(NewNote):
    """A note as stored; `version` grows by one with every change."""

    id: UUID
    author: str
    status: NoteStatus
    version: int


class NoteQuery(Contract):
    """Which notes a list shows: `limit` of them, with ids after `cursor`."""

    limit: int = Field(default=20, ge=1, le=100)
    cursor: UUID | None = None


class NotePage(Contract):
    """Some notes, in the order of their ids."""

    items: tuple[Note, ...]
    next_cursor: UUID | None

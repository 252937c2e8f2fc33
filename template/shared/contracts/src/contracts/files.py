"""Files on the wire: their rows, which the data service keeps. Sizes are in bytes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.base import WHOLE, Contract

MAX_SIZE = 2**40

Size = Annotated[int, Field(strict=True, ge=0, le=MAX_SIZE), WHOLE]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
MediaType = Annotated[
    str, Field(pattern=r"^[a-z]+/[a-z0-9][a-z0-9.+-]{0,98}$", examples=["application/pdf"])
]


class FileState(StrEnum):
    """The states of a file. Only one that is ready has content that anybody can read."""

    PENDING = "pending"
    UPLOADED = "uploaded"
    SCANNING = "scanning"
    READY = "ready"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DELETED = "deleted"


class SubjectRef(Contract):
    """What a file is attached to: the kind of thing, and its id."""

    type: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$", examples=["order"])]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class NewFile(Contract):
    """A file that is expected. Without `size`, it has at most `max_size` bytes."""

    owner: str = Field(min_length=1, max_length=64)
    purpose: str = Field(pattern=r"^[a-z][a-z_]{0,31}$")
    filename: str = Field(min_length=1, max_length=255)
    declared_type: MediaType
    size: Size | None = None
    max_size: Size
    sha256: Sha256 | None = None
    subject: SubjectRef | None = None


class FileChange(Contract):
    """A move to another state, valid only for the version that the caller has read.

    What is None stays as it is. `lease_seconds` says for how long no other process takes the file.
    """

    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), WHOLE]
    state: FileState
    reason: str | None = Field(default=None, max_length=200)
    key: str | None = Field(default=None, max_length=200)
    content_type: MediaType | None = None
    size: Size | None = None
    sha256: Sha256 | None = None
    lease_seconds: int | None = Field(default=None, ge=0, le=86_400)
    purge_after: AwareDatetime | None = None
    is_purged: bool = False


class StoredFile(Contract):
    """A file as the data service knows it; `key` is where the store has its bytes."""

    id: UUID
    owner: str
    purpose: str
    filename: str
    declared_type: str
    content_type: str | None
    size: int | None
    max_size: int
    sha256: str | None
    key: str
    state: FileState
    reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    attachments: tuple[SubjectRef, ...]


class StoredFiles(Contract):
    """Some files."""

    items: tuple[StoredFile, ...]


class FileQuery(Contract):
    """Which files a list shows: the newest first, `limit` of them, older than the one `after`."""

    subject_type: str | None = Field(default=None, pattern=r"^[a-z][a-z_]{0,31}$")
    subject_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    limit: int = Field(default=20, ge=1, le=100)
    after: UUID | None = None


class FileWork(StrEnum):
    """What the files process does with files, each with a lease."""

    VERIFY = "verify"
    PURGE = "purge"


class Lease(Contract):
    """Asks for at most `limit` files that need `work`, and keeps them for `seconds`."""

    work: FileWork
    limit: int = Field(ge=1, le=100)
    seconds: int = Field(ge=1, le=86_400)


class Expiry(Contract):
    """Asks to give up files whose content did not come within `seconds`."""

    seconds: int = Field(ge=0)
    limit: int = Field(default=100, ge=1, le=1000)


class Keys(Contract):
    """Places in the store."""

    keys: tuple[Annotated[str, Field(max_length=200)], ...] = Field(max_length=1000)

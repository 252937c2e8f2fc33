"""A file under verification, and what is known about its content."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from business_files.settings import WorkerSettings
from business_files.store import Objects
from contracts.files import StoredFile

HEAD_BYTES = 8192


class Refused(Exception):
    """The content is rejected; the argument is the reason, in a few words."""


@dataclass(slots=True)
class Candidate:
    """Collects facts about the content while it is scanned."""

    file: StoredFile
    objects: Objects
    settings: WorkerSettings
    size: int = 0
    head: bytes = b""
    is_text: bool = True
    # The entries of an archive, once its directory was read.
    names: frozenset[str] | None = None
    digest: Any = field(default_factory=sha256)
    _decoder: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")())

    async def passing(self, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield `content` unchanged."""
        async for chunk in content:
            self.size += len(chunk)
            self.digest.update(chunk)
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]
            if self.is_text:
                self._read_text(chunk)
            yield chunk
        if self.is_text:
            self._read_text(b"", is_last=True)

    def _read_text(self, chunk: bytes, *, is_last: bool = False) -> None:
        try:
            self.is_text = "\0" not in self._decoder.decode(chunk, is_last)
        except UnicodeDecodeError:
            self.is_text = False

"""Verifies stored content; a file can be downloaded only after it has passed."""

import logging
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from time import perf_counter
from uuid import uuid4

from business_files.candidate import Candidate, Refused
from business_files.events import FileEvent, note
from business_files.scanner import Infected, TooLarge
from business_files.worker.context import Work
from chassis.errors import Conflict, Unavailable
from chassis.modules import find_hooks
from contracts.files import FileChange, FileState, StoredFile

log = logging.getLogger(__name__)


class Verification:
    """Verifies files: size, checksum, virus scan, and the modules in the folder `checks`."""

    def __init__(self, work: Work) -> None:
        self._files = work.files
        self._objects = work.objects
        self._scanner = work.scanner
        self._settings = work.settings
        self._checks = find_hooks("business_files", "checks", "check")

    async def verify(self, file: StoredFile) -> FileState:
        """Verify a leased file, and return its new state.

        While the scanner or the store is unavailable, the file keeps waiting.
        """
        started = perf_counter()
        candidate = Candidate(file, self._objects, self._settings)
        try:
            if file.key == f"{file.purpose}/{file.id}":
                candidate.file = await self._own(file)
            await self._look_at(candidate)
            change = FileChange(
                version=file.version,
                state=FileState.READY,
                key=candidate.file.key,
                content_type=file.declared_type,
                size=candidate.size,
                sha256=candidate.digest.hexdigest(),
            )
        except FileNotFoundError:
            # The client has completed the upload without content; it may still send it.
            change = FileChange(version=file.version, state=FileState.PENDING)
        except Refused as refused:
            change = FileChange(
                version=file.version,
                state=FileState.REJECTED,
                reason=str(refused),
                purge_after=datetime.now(UTC),
            )
        except Unavailable as error:
            log.warning("file %s cannot be verified at the moment: %s", file.id, error.detail)
            retry = self._settings.retry_seconds
            change = FileChange(version=file.version, state=FileState.SCANNING, lease_seconds=retry)
        try:
            changed = await self._files.change(file.id, change)
        except Conflict:
            log.info("file %s was changed while it was verified", file.id)
            return file.state
        if candidate.file.key != file.key:
            # Delete the object that is not used: the upload of the client, or the copy of it.
            unused = file.key if changed.key == candidate.file.key else candidate.file.key
            with suppress(Unavailable):
                await self._objects.delete(unused)
        took = perf_counter() - started
        note(
            FileEvent(
                "verified",
                file.id,
                str(changed.state),
                candidate.size,
                file.declared_type,
                took,
                changed.reason,
            )
        )
        return changed.state

    async def _own(self, file: StoredFile) -> StoredFile:
        """Copy a direct upload to a key that the client cannot write.

        This guarantees that the verified content is the content that is served.
        """
        key = f"{file.key}.{uuid4().hex}"
        await self._objects.copy(file.key, key)
        return file.model_copy(update={"key": key})

    async def _look_at(self, candidate: Candidate) -> None:
        file = candidate.file
        most = file.max_size if file.size is None else file.size
        # Before it is read: a direct upload can have any size.
        if await self._objects.size(file.key) > most:
            raise Refused(f"the content has more than {most:,} bytes")
        try:
            async with aclosing(candidate.passing(self._objects.read(file.key))) as content:
                await self._scanner.scan(content)
        except Infected as found:
            raise Refused(f"the virus scanner found {found}"[:200]) from None
        except TooLarge:
            raise Refused("the content is larger than the virus scanner takes") from None
        if candidate.size != (candidate.size if file.size is None else file.size):
            raise Refused(f"the content has {candidate.size:,} bytes, and not {file.size:,}")
        if file.sha256 is not None and candidate.digest.hexdigest() != file.sha256:
            raise Refused("the content has another SHA-256 than was announced")
        for check in self._checks:
            await check(candidate)

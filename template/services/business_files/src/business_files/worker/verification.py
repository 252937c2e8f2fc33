"""Makes a file ready, or rejects it: nothing that came is offered before this has passed."""

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
    """Verifies one file at a time: size, checksum, viruses, and what the folder `checks` has."""

    def __init__(self, work: Work) -> None:
        self._files = work.files
        self._objects = work.objects
        self._scanner = work.scanner
        self._settings = work.settings
        self._checks = find_hooks("business_files", "checks", "check")

    async def verify(self, file: StoredFile) -> FileState:
        """Verify a leased file, and return what it became.

        While the scanner or the store is away it stays as it is, to be tried again.
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
            # The client says that it has sent what the store does not have; it may do so yet.
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
            # What is not used: the content that a client has sent, or the copy that is of no use.
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
        """Copy what a client has sent to a place of its own to one that only services can write.

        What is looked at is then what is offered, whatever the client sends later.
        """
        key = f"{file.key}.{uuid4().hex}"
        await self._objects.copy(file.key, key)
        return file.model_copy(update={"key": key})

    async def _look_at(self, candidate: Candidate) -> None:
        file = candidate.file
        most = file.max_size if file.size is None else file.size
        # Before anything is read of it: a bucket has whatever was sent there.
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

"""Files in PostgreSQL. Every write goes through the unit of work, which checks the version."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, text, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.exc import StaleDataError

from chassis.errors import Conflict, Invalid, NotFound
from contracts.files import (
    Expiry,
    FileChange,
    FileQuery,
    FileState,
    FileWork,
    Keys,
    Lease,
    NewFile,
    StoredFile,
    StoredFiles,
    SubjectRef,
)
from data_postgres_api.files.models import UNFINISHED, UNPURGED, FileAttachmentRow, FileRow

PAGE = 500
KEPT = tuple(state for state in FileState if state != FileState.DELETED)


class FileRepository:
    """Reads and writes files within the transaction of `session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create(self, file_id: UUID, caller: str, file: NewFile) -> tuple[StoredFile, bool]:
        """Store an announced file; return it, and whether it is new.

        A repeated announcement returns the stored file. Raises `Conflict` if the ID belongs to
        another file.
        """
        row = await self._find(file_id)
        if row is None:
            row = FileRow(
                id=file_id,
                uploaded_by=caller,
                key=f"{file.purpose}/{file_id}",
                state=FileState.PENDING,
                attachments=_attachments(file.subject),
                **file.model_dump(exclude={"subject"}),
            )
            try:
                async with self._session.begin_nested():
                    self._session.add(row)
                return to_file(row), True
            except IntegrityError:
                # Another request stored this id between our read and our insert, or it is a bug.
                row = await self._find(file_id)
                if row is None:
                    raise
        stored = to_file(row)
        if not _is_same(stored, file):
            raise Conflict(f"File {file_id} exists with other content.")
        return stored, False

    async def get(self, file_id: UUID) -> StoredFile:
        """Return a file; raise `NotFound` for an unknown or deleted one."""
        return to_file(await self._get(file_id))

    async def list(self, query: FileQuery) -> StoredFiles:
        """Return a part of the list, newest first; raise `Invalid` for an unknown `after`."""
        newest = (FileRow.created_at.desc(), FileRow.id.desc())
        statement = _whole().where(FileRow.state.in_(KEPT)).order_by(*newest).limit(query.limit)
        if query.subject_type is not None:
            statement = statement.join(FileAttachmentRow).where(
                FileAttachmentRow.subject_type == query.subject_type,
                FileAttachmentRow.subject_id == query.subject_id,
            )
        if query.after is not None:
            last = await self._session.get(FileRow, query.after)
            if last is None:
                problem = {"field": "query.after", "message": "not a file of this list"}
                raise Invalid("The list has no such file to go on from.", [problem])
            place = tuple_(FileRow.created_at, FileRow.id)
            statement = statement.where(place < (last.created_at, last.id))
        return _files(await self._session.scalars(statement))

    async def change(self, file_id: UUID, change: FileChange) -> StoredFile:
        """Change a file; raise `NotFound`, or `Conflict` when it is at another version."""
        row = await self._get(file_id, deleted=True)
        stale = Conflict(f"File {file_id} was changed by another request. Read it and try again.")
        if row.version != change.version:
            raise stale
        row.state = change.state
        row.reason = change.reason
        given = change.model_dump(
            include={"key", "content_type", "size", "sha256", "purge_after"}, exclude_none=True
        )
        for name, value in given.items():
            setattr(row, name, value)
        row.leased_until = _after(change.lease_seconds) if change.lease_seconds else None
        if change.is_purged:
            row.purged_at = datetime.now(UTC)
        try:
            await self._session.flush()
        except StaleDataError as error:
            raise stale from error
        return to_file(row)

    async def attach(self, file_id: UUID, subject: SubjectRef) -> StoredFile:
        """Attach a file to a resource; repeated calls change nothing."""
        row = await self._get(file_id)
        if subject not in to_file(row).attachments:
            row.attachments.extend(_attachments(subject))
            await self._session.flush()
        return to_file(row)

    async def detach(self, file_id: UUID, subject: SubjectRef) -> StoredFile:
        """Detach a file from a resource; repeated calls change nothing."""
        row = await self._get(file_id)
        row.attachments = [each for each in row.attachments if to_subject(each) != subject]
        await self._session.flush()
        return to_file(row)

    async def lease(self, wanted: Lease) -> StoredFiles:
        """Lease files that need work to one process, the oldest first."""
        now = func.now()
        free = or_(FileRow.leased_until.is_(None), FileRow.leased_until < now)
        if wanted.work == FileWork.VERIFY:
            states = (FileState.UPLOADED, FileState.SCANNING)
            needed = and_(text(UNFINISHED), FileRow.state.in_(states))
        else:
            needed = and_(text(UNPURGED), FileRow.purge_after <= now)
        # Retries come last, so that files that fail repeatedly do not block new ones.
        turn = FileRow.leased_until.asc().nulls_first(), FileRow.created_at
        statement = _whole().where(needed, free).order_by(*turn).limit(wanted.limit)
        rows = (await self._session.scalars(statement.with_for_update(skip_locked=True))).all()
        for row in rows:
            row.leased_until = _after(wanted.seconds)
            if wanted.work == FileWork.VERIFY:
                row.state = FileState.SCANNING
        await self._session.flush()
        return _files(rows)

    async def expire(self, wanted: Expiry) -> StoredFiles:
        """Expire files whose content did not arrive; return them."""
        late = datetime.now(UTC) - timedelta(seconds=wanted.seconds)
        needed = and_(FileRow.state == FileState.PENDING, FileRow.created_at < late)
        statement = _whole().where(text(UNFINISHED), needed).limit(wanted.limit)
        rows = (await self._session.scalars(statement.with_for_update(skip_locked=True))).all()
        for row in rows:
            row.state = FileState.EXPIRED
            row.reason = "the content did not arrive in time"
            row.purge_after = datetime.now(UTC)
        await self._session.flush()
        return _files(rows)

    async def ready(self, after: UUID | None) -> StoredFiles:
        """Return files that are ready, in the order of their ids."""
        statement = _whole().where(FileRow.state == FileState.READY).order_by(FileRow.id)
        if after is not None:
            statement = statement.where(FileRow.id > after)
        return _files(await self._session.scalars(statement.limit(PAGE)))

    async def known(self, wanted: Keys) -> Keys:
        """Return the keys that belong to a file whose content is not purged."""
        kept = select(FileRow).where(FileRow.key.in_(wanted.keys), FileRow.purged_at.is_(None))
        return Keys(keys=tuple(row.key for row in await self._session.scalars(kept)))

    async def _find(self, file_id: UUID) -> FileRow | None:
        return (await self._session.scalars(_whole().where(FileRow.id == file_id))).one_or_none()

    async def _get(self, file_id: UUID, *, deleted: bool = False) -> FileRow:
        row = await self._find(file_id)
        if row is None or (row.state == FileState.DELETED and not deleted):
            raise NotFound(f"There is no file {file_id}.")
        return row


def to_subject(row: FileAttachmentRow) -> SubjectRef:
    """Return what a file is attached to."""
    return SubjectRef(type=row.subject_type, id=row.subject_id)


def to_file(row: FileRow) -> StoredFile:
    """Return a file as other services see it."""
    given = {name: getattr(row, name) for name in StoredFile.model_fields if name != "attachments"}
    return StoredFile(**given, attachments=tuple(map(to_subject, row.attachments)))


def _is_same(stored: StoredFile, file: NewFile) -> bool:
    same = (stored.owner, stored.purpose, stored.filename, stored.declared_type)
    return (
        same == (file.owner, file.purpose, file.filename, file.declared_type)
        and file.size in (None, stored.size)
        and file.sha256 in (None, stored.sha256)
        and (file.subject is None or file.subject in stored.attachments)
    )


def _whole() -> Select[FileRow]:
    return select(FileRow).options(selectinload(FileRow.attachments))


def _files(rows: Iterable[FileRow]) -> StoredFiles:
    return StoredFiles(items=tuple(map(to_file, rows)))


def _attachments(subject: SubjectRef | None) -> list[FileAttachmentRow]:
    if subject is None:
        return []
    return [FileAttachmentRow(subject_type=subject.type, subject_id=subject.id)]


def _after(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)

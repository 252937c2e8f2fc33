"""The tables of files and of their attachments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data_postgres_api.database import Base, OwnedBy, OwnedThrough

UNFINISHED = "state IN ('pending', 'uploaded', 'scanning')"
UNCOPIED = "state = 'ready' AND backed_up_at IS NULL"
STALE_COPY = "purged_at IS NOT NULL AND backed_up_at IS NOT NULL"
UNPURGED = "state IN ('rejected', 'expired', 'deleted') AND purged_at IS NULL"


class FileRow(Base):
    """A file; `version` is the optimistic lock that lets one of two racing writers win."""

    __tablename__ = "files"
    __owner__ = OwnedBy("owner")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    uploaded_by: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(32))
    filename: Mapped[str] = mapped_column(String(255))
    declared_type: Mapped[str] = mapped_column(String(127))
    content_type: Mapped[str | None] = mapped_column(String(127))
    size: Mapped[int | None] = mapped_column(BigInteger)
    max_size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[int] = mapped_column()
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    purge_after: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    purged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Time of the copy in the second store, if there is one.
    backed_up_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    attachments: Mapped[list["FileAttachmentRow"]] = relationship(
        lazy="raise", cascade="all, delete-orphan"
    )

    # Eager defaults read the timestamps that PostgreSQL makes with the write itself.
    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("size >= 0 AND size <= max_size", name="files_size_within_limit"),
        Index("files_newest", created_at.desc(), id.desc()),
        Index("files_newest_by_owner", owner, created_at.desc(), id.desc()),
        Index("files_key", key, unique=True),
        # Partial indexes: the queries for pending work do not scan all rows.
        Index("files_unfinished", state, created_at, postgresql_where=UNFINISHED),
        Index("files_uncopied", updated_at, postgresql_where=UNCOPIED),
        Index("files_stale_copies", id, postgresql_where=STALE_COPY),
        Index("files_unpurged", purge_after, postgresql_where=UNPURGED),
    )


class FileAttachmentRow(Base):
    """The attachment of a file to a resource."""

    __tablename__ = "file_attachments"
    __owner__ = OwnedThrough("file_id")

    file_id: Mapped[UUID] = mapped_column(
        ForeignKey("files.id", ondelete="CASCADE"), primary_key=True
    )
    subject_type: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(64), primary_key=True)

    __table_args__ = (Index("file_attachments_subject", subject_type, subject_id),)

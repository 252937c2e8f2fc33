"""The tables of notes, in a schema of their own."""

from uuid import UUID

from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.schema import CreateSchema

from data_postgres_api.database import Base, OwnedBy, OwnedThrough


class Table(Base):
    """Keeps the tables of these tests apart from those of the service, for Alembic too."""

    __abstract__ = True
    metadata = MetaData(schema="tests")


class NoteRow(Table):
    """A note."""

    __tablename__ = "test_notes"
    __owner__ = OwnedBy("author")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column()
    # Not by its name: models of the project may have the same.
    tags: Mapped[list["TagRow"]] = relationship(
        lambda: TagRow, lazy="raise", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class TagRow(Table):
    """A word that a note is found by."""

    __tablename__ = "test_tags"
    __owner__ = OwnedThrough("note_id")

    note_id: Mapped[UUID] = mapped_column(ForeignKey(NoteRow.id), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)


async def create_tables(engine: AsyncEngine) -> None:
    """Create the tables of notes, unless they are there."""
    async with engine.begin() as connection:
        await connection.execute(CreateSchema("tests", if_not_exists=True))
        await connection.run_sync(Table.metadata.create_all)

"""API1 below every route: a confined caller reaches own rows only, on models of these tests."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData, String, delete, func, insert, select, text, update
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, joinedload, mapped_column, relationship, selectinload

from chassis.errors import NotFound
from chassis.security.principal import Principal, set_principal
from data_postgres_api.database import SHARED, Base, OwnedBy, OwnedThrough
from data_postgres_api.ownership.enforcement import Bypass, Undeclared, _criteria, enforce_ownership


class Table(Base):
    """Keeps the tables of these tests apart from those of the service."""

    __abstract__ = True
    metadata = MetaData()


class Topic(Table):
    """Belongs to nobody."""

    __tablename__ = "test_topics"
    __owner__ = SHARED

    id: Mapped[int] = mapped_column(primary_key=True)
    # Classes and not their names, which models of the project may have too.
    notebooks: Mapped[list["Notebook"]] = relationship(
        lambda: Notebook, back_populates="topic", lazy="raise"
    )


class Notebook(Table):
    """Belongs to its author."""

    __tablename__ = "test_notebooks"
    __owner__ = OwnedBy("author")

    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(64))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("test_topics.id"))
    topic: Mapped[Topic | None] = relationship(
        lambda: Topic, back_populates="notebooks", lazy="raise"
    )
    pages: Mapped[list["Page"]] = relationship(
        lambda: Page, lazy="raise", cascade="all, delete-orphan"
    )


class Page(Table):
    """Belongs to the author of its notebook."""

    __tablename__ = "test_pages"
    __owner__ = OwnedThrough("notebook_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    notebook_id: Mapped[int] = mapped_column(ForeignKey("test_notebooks.id"))


class Mark(Table):
    """Belongs to the author of the notebook of its page."""

    __tablename__ = "test_marks"
    __owner__ = OwnedThrough("page_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("test_pages.id"))


class Draft(Table):
    """Somebody forgot to declare its owner."""

    __tablename__ = "test_drafts"

    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(64))


@pytest.fixture
async def books(session: AsyncSession) -> AsyncSession:
    """A session of Ada's: notebook, page, mark and draft 1 are hers, 2 are Eve's."""
    enforce_ownership()
    await (await session.connection()).run_sync(Table.metadata.create_all)
    session.add(Topic(id=1))
    for number, author in ((1, "ada"), (2, "eve")):
        session.add(Notebook(id=number, author=author, topic_id=1, pages=[Page(id=number)]))
        session.add(Draft(id=number, author=author))
        await session.flush()
        session.add(Mark(id=number, page_id=number))
    await session.flush()
    session.expunge_all()
    set_principal(Principal("ada", reach="own"))
    return session


OTHER = aliased(Notebook)
READS = {
    "by its owner": select(Notebook.id),
    "by an alias": select(OTHER.id),
    "through its parent": select(Page.id),
    "through two parents": select(Mark.id),
    "below a join with the other's parent": select(Mark.id).join(Page, Page.id > 0).distinct(),
    "in a subquery": select(Topic.id).where(Topic.id.in_(select(Notebook.id))),
    "counted": select(func.count()).select_from(Page),
}


@pytest.mark.parametrize("how", READS)
async def test_a_confined_caller_reads_own_rows_only(books: AsyncSession, how: str) -> None:
    assert (await books.scalars(READS[how])).all() == [1]


@pytest.mark.parametrize("load", [joinedload, selectinload])
async def test_a_shared_row_does_not_lend_its_rows(books: AsyncSession, load: Any) -> None:
    topics = await books.scalars(select(Topic).options(load(Topic.notebooks).options(load("*"))))
    assert [book.id for topic in topics.unique() for book in topic.notebooks] == [1]
    assert await books.get(Notebook, 2) is None
    assert await books.get(Page, 2) is None


async def test_the_scope_all_reads_every_row(books: AsyncSession) -> None:
    set_principal(Principal("sam", reach="all"))
    for model in (Notebook, Page, Mark, Draft):
        assert (await books.scalars(select(model.id).order_by(model.id))).all() == [1, 2]


ROWS: dict[str, Callable[[], Base]] = {
    "another owner's": lambda: Notebook(id=3, author="eve"),
    "below another owner's": lambda: Page(id=3, notebook_id=2),
    "two below another owner's": lambda: Mark(id=3, page_id=2),
}


@pytest.mark.parametrize("whose", ROWS)
async def test_a_confined_caller_writes_own_rows_only(books: AsyncSession, whose: str) -> None:
    books.add(ROWS[whose]())
    with pytest.raises(NotFound):
        await books.flush()


async def test_own_rows_are_written_with_their_parents_and_alone(books: AsyncSession) -> None:
    books.add(Notebook(id=3, author="ada", pages=[Page(id=3), Page(id=4)]))
    await books.flush()
    books.add_all([Page(id=5, notebook_id=3), Mark(id=3, page_id=1)])
    await books.flush()
    assert (await books.scalars(select(func.count()).select_from(Page))).one() == 4


async def test_own_rows_are_not_moved_to_another_owner(books: AsyncSession) -> None:
    book = await books.get_one(Notebook, 1)
    book.author = "eve"
    with pytest.raises(NotFound):
        await books.flush()


async def test_own_rows_are_not_moved_below_another_owner(books: AsyncSession) -> None:
    page = await books.get_one(Page, 1)
    page.notebook_id = 2
    with pytest.raises(NotFound):
        await books.flush()


DRAFTS = {
    "selected": select(Draft),
    "counted": select(func.count()).select_from(Draft),
    "joined": select(Notebook.id).join(Draft, Draft.id == Notebook.id),
    "in a subquery": select(Topic.id).where(Topic.id.in_(select(Draft.id))),
}


@pytest.mark.parametrize("how", DRAFTS)
async def test_a_model_without_an_owner_is_not_read(books: AsyncSession, how: str) -> None:
    with pytest.raises(StatementError, match="Draft does not declare its owner") as refused:
        await books.execute(DRAFTS[how])
    assert isinstance(refused.value.orig, Undeclared)


async def test_a_model_without_an_owner_is_not_written(books: AsyncSession) -> None:
    books.add(Draft(id=3, author="ada"))
    with pytest.raises(Undeclared, match="make policy"):
        await books.flush()


@pytest.mark.parametrize("reach", ["own", "all"])
async def test_ways_past_the_unit_of_work_are_closed(books: AsyncSession, reach: str) -> None:
    set_principal(Principal("ada", reach="own" if reach == "own" else "all"))
    for statement in (
        update(Notebook).values(author="ada"),
        delete(Notebook),
        insert(Notebook).values(id=3),
        select(Notebook.__table__),
        text("SELECT * FROM test_notebooks"),
        text("DELETE FROM test_notebooks"),
    ):
        with pytest.raises(Bypass):
            await books.execute(statement)


WRONG = {
    "which is not a column of it": OwnedBy("nobody"),
    "which is not a foreign key to one other model": OwnedThrough("id"),
}


@pytest.mark.parametrize("reason", WRONG)
def test_a_wrong_declaration_is_an_error(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Draft, "__owner__", WRONG[reason])
    _criteria.cache_clear()
    with pytest.raises(TypeError, match=f"Draft.__owner__ .*{reason}"):
        enforce_ownership()


def test_every_model_of_the_service_declares_its_owner() -> None:
    """In a process of its own, without the models of these tests."""
    command = [sys.executable, "-m", "data_postgres_api.ownership"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

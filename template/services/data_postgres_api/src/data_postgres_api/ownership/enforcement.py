"""Whose rows a request reads and writes, enforced on every statement: no slice filters by owner.

Each model declares its owner (`database.py`). For a caller who is confined to their `own` rows, all
others do not exist. A model without a declaration is refused to such a caller: `Undeclared`.
"""

from collections import defaultdict
from functools import cache, partial
from typing import Any, NoReturn

from sqlalchemy import Boolean, ColumnElement, String, bindparam, event, select, true
from sqlalchemy.orm import (
    InstrumentedAttribute,
    Mapper,
    ORMExecuteState,
    Session,
    aliased,
    class_mapper,
    with_loader_criteria,
)
from sqlalchemy.orm.util import LoaderCriteriaOption

from chassis.errors import NotFound
from chassis.security.principal import current_principal
from data_postgres_api.database import Base, OwnedBy, OwnedThrough

Model = type[Base]


class Bypass(RuntimeError):
    """A statement goes past the unit of work, so neither ownership nor audit can hold."""


class Undeclared(RuntimeError):
    """A model does not declare whose its rows are, so nobody who is confined may reach it."""


def enforce_ownership() -> None:
    """Let every session of the process read and write what the caller may.

    Raises `TypeError` for a declaration that names something else than it should.
    """
    _criteria()
    for name, listener in (
        ("do_orm_execute", _confine),
        ("before_flush", _refuse_foreign_rows),
        ("after_flush", _refuse_foreign_parents),
    ):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


def models() -> list[Model]:
    """Return the mapped classes in the order of their tables."""
    return sorted((each.class_ for each in Base.registry.mappers), key=table_of)


def table_of(model: Model) -> str:
    """Return the name of a model's table."""
    return class_mapper(model).local_table.description


@cache
def parent_of(model: Model, foreign_key: str) -> tuple[Model, str]:
    """Return the model that a foreign key of `model` names, and the attribute that it refers to."""
    referred = {key.column for key in class_mapper(model).columns[foreign_key].foreign_keys}
    found = [
        (other, class_mapper(other).get_property_by_column(column).key)
        for other in models()
        for column in referred & {*other.__table__.columns}
    ]
    if len(found) != 1 or found[0][0] is model:
        raise TypeError(
            f"{model.__name__}.__owner__ is OwnedThrough({foreign_key!r}), which is not a foreign "
            "key to one other model."
        )
    return found[0]


def _owner() -> str | None:
    """Return whose rows this request is confined to; None when to nobody's."""
    principal = current_principal()
    return principal.subject if principal is not None and principal.reach == "own" else None


def _refuse(model: Model) -> NoReturn:
    raise Undeclared(
        f"{model.__name__} does not declare its owner, so no caller who is confined to their own "
        "rows may reach it. Give it __owner__: make policy shows the choices."
    )


def _column(model: Model, name: str, alias: Any = None) -> InstrumentedAttribute[Any]:
    if name not in class_mapper(model).column_attrs:
        raise TypeError(f"{model.__name__}.__owner__ names {name!r}, which is not a column of it.")
    column: InstrumentedAttribute[Any] = getattr(alias or model, name)
    return column


def _owned(model: Model, alias: Any = None) -> ColumnElement[bool]:
    """Return the condition that holds for rows of the caller, of the model or an alias of it."""
    match model.__owner__:
        case OwnedBy(name):
            owner = bindparam("confined_to", callable_=_owner, type_=String())
            return _column(model, name, alias) == owner
        case OwnedThrough(name):
            column = _column(model, name, alias)
            parent, key = parent_of(model, name)
            other = aliased(parent)
            # Not EXISTS, which a statement that joins the parent would correlate with its own rows.
            return column.in_(select(getattr(other, key)).where(_owned(parent, other)))
        case None:
            refusal = bindparam(None, callable_=partial(_refuse, model), type_=Boolean())
            return refusal == true()
        case _:
            return true()


@cache
def _criteria() -> tuple[LoaderCriteriaOption, ...]:
    """Return what confines statements; the owner is read when a statement is executed."""
    return tuple(
        with_loader_criteria(model, _owned(model), include_aliases=True)
        for model in models()
        if isinstance(model.__owner__, OwnedBy | OwnedThrough | None)
    )


@event.listens_for(Mapper, "after_configured")
def _forget_criteria() -> None:
    """There may be another model."""
    _criteria.cache_clear()
    parent_of.cache_clear()


def _confine(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise Bypass(
            "Write through the unit of work: bulk statements leave no trace in the audit log."
        )
    if state.is_column_load or state.is_relationship_load:
        return
    if not state.is_orm_statement and current_principal() is not None:
        raise Bypass(
            "Query mapped classes: of other statements nobody can tell whose rows they touch."
        )
    if _owner() is not None:
        state.statement = state.statement.options(*_criteria())


def _refuse_foreign_rows(session: Session, _: object, __: object) -> None:
    owner = _owner()
    if owner is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        match type(row).__owner__:
            case None:
                _refuse(type(row))
            case OwnedBy(column) if getattr(row, column) != owner:
                raise NotFound("There is no such row of yours.")


def _refuse_foreign_parents(session: Session, _: object) -> None:
    """Refuse rows below somebody else's; only after the flush is it known what they belong to."""
    if _owner() is None:
        return
    written = [*session.new, *session.dirty]
    wanted: dict[tuple[Model, str], set[Any]] = defaultdict(set)
    for row in written:
        model: Model = type(row)
        match model.__owner__:
            case OwnedThrough(foreign_key):
                wanted[parent_of(model, foreign_key)].add(getattr(row, foreign_key))
    for (parent, key), values in wanted.items():
        # Parents that are written themselves were checked as rows of their own.
        others = values - {getattr(row, key) for row in written if isinstance(row, parent)}
        if others - {None} and others != _own_among(session, parent, key, others):
            raise NotFound("There is no such row of yours.")


def _own_among(session: Session, model: Model, key: str, values: set[Any]) -> set[Any]:
    attribute = getattr(model, key)
    with session.no_autoflush:
        return set(session.scalars(select(attribute).where(attribute.in_(values))))

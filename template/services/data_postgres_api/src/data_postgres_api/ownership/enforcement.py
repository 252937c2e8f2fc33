"""Whose rows a request may see: enforced on every statement, so that no slice filters by owner.

A table belongs to customers when it has a column `customer_id`. A caller who may reach their `own`
sees and writes rows of theirs alone; everything else is not there for them.
"""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, event
from sqlalchemy.orm import InstanceState, Mapper, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.util import LoaderCriteriaOption

from chassis.errors import NotFound
from chassis.security.principal import current_principal
from data_postgres_api.database import Base

OWNER = "customer_id"


def confine_to_owner() -> None:
    """Let every session of the process see and write what the caller may."""
    for name, listener in (("do_orm_execute", _confine), ("before_flush", _refuse_foreign_rows)):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


class Bypass(RuntimeError):
    """A statement goes past the unit of work, so neither ownership nor audit can hold."""


def owned_classes() -> list[type[Any]]:
    """Return the mapped classes whose rows belong to customers."""
    return [m.class_ for m in Base.registry.mappers if OWNER in m.column_attrs]


def _owner() -> str | None:
    """Return whose rows this request is confined to; None when to nobody's."""
    principal = current_principal()
    return principal.subject if principal is not None and principal.reach == "own" else None


@cache
def _criteria() -> tuple[LoaderCriteriaOption, ...]:
    """Return what confines statements; the owner is read when a statement is executed."""
    return tuple(
        with_loader_criteria(
            kind,
            getattr(kind, OWNER) == bindparam("confined_to", callable_=_owner),
            include_aliases=True,
        )
        for kind in owned_classes()
    )


@event.listens_for(Mapper, "after_configured")
def _forget_criteria() -> None:
    """There may be another class whose rows belong to customers."""
    _criteria.cache_clear()


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
    for instance in (*session.new, *session.dirty, *session.deleted):
        state: InstanceState[object] = instance_state(instance)
        if OWNER in state.mapper.column_attrs and getattr(instance, OWNER) != owner:
            raise NotFound("There is no such row of yours.")

"""Lists tables with their owners: `python -m data_postgres_api.ownership`, for `make policy`."""

from sqlalchemy import String
from sqlalchemy.orm import class_mapper

from data_postgres_api.database import OwnedBy, OwnedThrough
from data_postgres_api.main import app as app
from data_postgres_api.ownership.enforcement import Model, models, parent_of, table_of


def described(model: Model) -> str:
    """Return whose the rows of a model are, in words."""
    match model.__owner__:
        case OwnedBy(column):
            return f"owned by the subject in {column}"
        case OwnedThrough(foreign_key):
            parent, _ = parent_of(model, foreign_key)
            return f"owned with the row of {table_of(parent)} in {foreign_key}"
        case None:
            return f"REFUSED: {model.__name__} does not declare its owner"
        case _:
            return "shared"


def choices(model: Model) -> list[str]:
    """Return the declarations of which one is true of a model."""
    columns = class_mapper(model).columns
    through = [f'OwnedThrough("{name}")' for name, column in columns.items() if column.foreign_keys]
    by = [
        f'OwnedBy("{name}")'
        for name, column in columns.items()
        if isinstance(column.type, String) and not column.foreign_keys
    ]
    return [*through, *by, "SHARED"]


def main() -> int:
    """Print the owner of each table; return 1 when a model does not declare one."""
    width = max(len(table_of(model)) for model in models())
    for model in models():
        print(f"{table_of(model):{width}}  {described(model)}")
    undeclared = [model for model in models() if model.__owner__ is None]
    for model in undeclared:
        print(f"\nAdd one of these to {model.__name__} in {model.__module__}:")
        print("\n".join(f"    __owner__ = {choice}" for choice in choices(model)))
    return int(bool(undeclared))


if __name__ == "__main__":
    raise SystemExit(main())

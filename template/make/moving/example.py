"""The example: whether it is there, and how it is taken away without a row or a revision lost."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moving.merging import Merge, Outcome, merge, merged_text
from moving.rendering import moved_paths
from moving.repository import File, Refused, Team, Tree, listing
from moving.request import ANSWERS

VERSIONS = "services/data_postgres_api/migrations/versions/"
REVISION = f"{VERSIONS}core/remove_example.py"
SCHEMA = "removed_example"
TEXT = '''"""Take the tables of the example away. Their rows stay, in a schema of their own."""

from collections.abc import Sequence

from alembic import op

revision: str = "without_example"
down_revision: str | Sequence[str] | None = {head}
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = {others}

SCHEMA = "{schema}"
TABLES = {tables}


def upgrade() -> None:
    """Move the tables. When nobody needs the rows any more: DROP SCHEMA {schema} CASCADE."""
    op.execute(f"CREATE SCHEMA IF NOT EXISTS {{SCHEMA}}")
    for table in TABLES:
        op.execute(f"ALTER TABLE IF EXISTS {{table}} SET SCHEMA {{SCHEMA}}")


def downgrade() -> None:
    """Bring the tables back."""
    for table in TABLES:
        op.execute(f"ALTER TABLE IF EXISTS {{SCHEMA}}.{{table}} SET SCHEMA public")
'''


def the_example() -> dict[str, list[str]]:
    """Return what the project says of its example; nothing if it was rendered without."""
    with Path("make/gates.toml").open("rb") as file:
        return dict(tomllib.load(file).get("example", {}))


def has_example(answers: Mapping[str, Any], team: Iterable[str]) -> bool:
    """Whether the project has the example: it was asked for, and nobody has deleted it by hand."""
    shown_by = the_example().get("shown_by", [])
    return bool(answers.get("example", True) and shown_by) and set(shown_by) <= set(team)


def left_over(team: Iterable[str]) -> list[str]:
    """Return the files of an example that was deleted by hand in part."""
    claims = the_example().get("paths", [])
    return [path for path in team if any(f"{path}/".startswith(f"{each}/") for each in claims)]


@dataclass(frozen=True)
class Revision:
    """A migration: its name, those it follows or waits for, and the tables that it creates."""

    name: str
    after: frozenset[str]
    tables: tuple[str, ...]


def revision_of(path: str, text: bytes) -> Revision | None:
    """Read a migration; return None for any other file."""
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        raise Refused(f"{path} is not valid Python: {error}") from None
    values: dict[str, Any] = {}
    for node in module.body:
        target: ast.expr | None = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            target = node.targets[0]
        if isinstance(target, ast.Name) and isinstance(node, ast.AnnAssign | ast.Assign):
            try:
                values[target.id] = ast.literal_eval(node.value) if node.value else None
            except ValueError:
                continue
    if not isinstance(values.get("revision"), str):
        return None
    after: set[str] = set()
    for key in ("down_revision", "depends_on"):
        found = values.get(key) or ()
        after |= {found} if isinstance(found, str) else set(found)
    tables = [
        node.args[0].value
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "create_table"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    return Revision(values["revision"], frozenset(after), tuple(map(str, tables)))


def heads(revisions: Iterable[Revision]) -> list[str]:
    """Return the names of those that no other one follows."""
    found = list(revisions)
    followed = {name for each in found for name in each.after}
    return sorted(each.name for each in found if each.name not in followed)


def keep_history(base: Tree, new: Tree, team: Team) -> tuple[str, ...]:
    """Let the revisions of the example stay, and let a new one take its tables away.

    A database that has them, anywhere, can then be migrated, and revisions of the team that follow
    them are valid. `base` and `new` are changed. Return the tables.
    """
    gone = [path for path in base if path.startswith(VERSIONS) and path not in new]
    examples = [each for path in gone if (each := revision_of(path, base[path].content))]
    there = {
        path: found
        for path in team
        if path.startswith(VERSIONS) and path.endswith(".py")
        if (found := revision_of(path, team[path].content))
    }
    core = {path: each for path, each in there.items() if path.startswith(f"{VERSIONS}core/")}
    if not core:
        raise Refused(
            f"There is no revision in {VERSIONS}core, so none could take the tables of the example "
            "away. Restore the revisions, or delete the example by hand: make/gates.toml lists it."
        )
    if len(last := heads(core.values())) != 1:
        raise Refused(
            f'The branch "core" of the migrations has several heads: {", ".join(last)}. Join them '
            "by a revision that follows all: alembic merge."
        )
    # By their names, wherever the team has put them.
    elsewhere = {each.name for path, each in there.items() if path not in core}
    others = [name for name in heads(examples) if name in elsewhere]
    tables = tuple(table for each in examples for table in each.tables)
    text = TEXT.format(
        head=f'"{last[0]}"',
        others=quoted(others) if others else None,
        schema=SCHEMA,
        tables=quoted(tables),
    )
    for path in gone:
        # From now on it is the team's, also when the module goes that brought it.
        lines = base[path].content.splitlines(keepends=True)
        own = [
            line
            for line in lines
            if not line.startswith((b"module: str =", b'# Read by "make downgrade"'))
        ]
        new[path] = File(base[path].mode, b"".join(own))
    new[REVISION] = File("100644", text.encode())
    return tables


def quoted(texts: Sequence[str]) -> str:
    """Return texts as ruff formats a tuple of them."""
    return f"({', '.join(f'"{text}"' for text in texts)}{',' * (len(texts) == 1)})"


def module_of(path: str) -> str:
    """Return the name under which a file of a package is imported, "" for other files."""
    _, found, inside = path.rpartition("/src/")
    if not found or not inside.endswith(".py"):
        return ""
    return inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports_of(path: str, text: bytes) -> Iterator[str]:
    """Yield the names of all modules that a file may import."""
    try:
        module = ast.parse(text)
    except SyntaxError:
        return
    package = module_of(path).split(".")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*above, *filter(None, [node.module])])
            yield name
            yield from (f"{name}.{each.name}" for each in node.names)


def keep_what_is_used(found: Merge, team: Team, tables: Iterable[str]) -> list[str]:
    """Keep files of the example that files of the team import; return their paths.

    Raise `Refused` where files of the team use the tables, which go.
    """
    kept: list[str] = []
    texts = {path: found.changed.get(path) or team[path] for path in python_files(team)}
    # Which file of the team is behind each one that stays.
    users = {path: path for path in texts if path not in found.removed}
    keys = re.compile(rf"""ForeignKey\(\s*["'](?:{"|".join(map(re.escape, tables))})\.""")
    using = [
        path
        for path in users
        if not path.startswith(VERSIONS) and keys.search(texts[path].content.decode())
    ]
    while True:
        modules = {name: path for path in found.removed if (name := module_of(path))}
        used = {
            modules[name]: user
            for path, user in users.items()
            for name in imports_of(path, texts[path].content)
            if name in modules
        }
        using += [user for path, user in used.items() if path.endswith("/models.py")]
        if using:
            raise Refused(
                "These files of yours use tables of the example, which would go. Change them "
                "first:\n" + listing(sorted(set(using)))
            )
        if not used:
            return kept
        for path in used:
            found.removed.remove(path)
            if path in found.edited:
                found.edited.remove(path)
            kept.append(path)
        users |= used


def without_its_lines(shown: Tree, base: Tree, team: Team) -> Tree:
    """Return the team's files without the lines of an example that was deleted by hand.

    `shown` is the project as it was rendered with the example, `base` without. Where the team has
    edited such lines, its file is left as it is.
    """
    found: Tree = {}
    for path in sorted(shown.keys() & base.keys()):
        if shown[path] == base[path] or path not in team:
            continue
        ours = team[path]
        if ours.is_text and shown[path].is_text:
            text, outcome = merged_text(path, shown[path].content, ours.content, base[path].content)
            if outcome is Outcome.CLEAN and text != ours.content:
                found[path] = File(ours.mode, text)
    return found


def merge_without_its_lines(shown: Tree | None, base: Tree, new: Tree, team: Team) -> Merge:
    """Return the merge; `shown`, the project with its example, if that was deleted by hand."""
    cleaned = without_its_lines(shown, base, team) if shown else {}
    cleaned.pop(ANSWERS, None)
    team.read |= cleaned
    found = merge(base, new, team, moved_paths(new))
    for path, file in cleaned.items():
        if path not in found.removed:
            found.changed.setdefault(path, file)
    return found


def python_files(team: Team) -> list[str]:
    """Return the paths of the team's Python files, which are then loaded."""
    paths = [path for path in team if path.endswith(".py")]
    team.load(paths)
    return paths


def folders(paths: Iterable[str]) -> list[str]:
    """Return what goes for people to read: each folder with the number of its files."""
    counted: dict[str, int] = {}
    for path in paths:
        counted[path.rpartition("/")[0]] = counted.get(path.rpartition("/")[0], 0) + 1
    return [f"{folder or '.'}: {number}" for folder, number in sorted(counted.items())]

"""A team's edits survive a move, in their place, without a conflict."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker
from tests.support.matrix import FULL, RULES, is_covered, moves
from tests.support.project import Project, files_of, start

BUSINESS = "services/business_api"
DATA = "services/data_postgres_api"
ORDERS = f"{BUSINESS}/src/business_api/orders"
HEADERS = "shared/chassis/src/chassis/client_middleware/shop.py"
SHOP_HEADER = '''\
"""Says which shop it is."""


def headers(_: str) -> dict[str, str]:
    """Return the header."""
    return {"X-Shop": "1"}
'''

NOTES_ROUTER = '''"""Notes about orders: a slice of the team."""

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1/notes", tags=["notes"])


@router.get("")
async def list_notes() -> list[str]:
    """Return all notes."""
    return []
'''

NOTES_TEST = '''"""The team's own slice."""

from business_api.main import app
from chassis.testing import service_client


def test_there_are_no_notes_yet() -> None:
    with service_client(app) as client:
        assert client.get("/api/v1/notes").json() == []
'''

MIGRATION = '''"""A note on every order."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "core_0002"
down_revision: str | Sequence[str] | None = "core_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("orders", sa.Column("note", sa.String(200), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("orders", "note")
'''


@dataclass(frozen=True)
class Edit:
    """What a team does to a project, and how to see that it is still there."""

    name: str
    apply: Callable[[Project], None]
    kept: Callable[[Project], bool]


def holds(path: str, *wanted: str) -> Callable[[Project], bool]:
    """Whether the file holds all texts, each once."""
    return lambda project: all(project.read(path).count(text) == 1 for text in wanted)


def follows(path: str, pattern: str) -> Callable[[Project], bool]:
    """Whether the pattern, which tells the place as well, is in the file once."""
    return lambda project: len(re.findall(pattern, project.read(path), re.DOTALL)) == 1


def added_slice(project: Project) -> None:
    folder = f"{BUSINESS}/src/business_api/notes"
    project.write(f"{folder}/__init__.py", '"""Notes about orders."""\n')
    project.write(f"{folder}/router.py", NOTES_ROUTER)
    project.write(f"{BUSINESS}/tests/unit/test_notes.py", NOTES_TEST)
    main = f"{BUSINESS}/src/business_api/main.py"
    project.replace(main, 'title="Business API"', 'title="Orders and notes"')


def added_column(project: Project) -> None:
    project.write(f"{DATA}/migrations/versions/core/0002_note.py", MIGRATION)
    project.replace(
        f"{DATA}/src/data_postgres_api/orders/models.py",
        "    total: Mapped[Decimal]",
        "    note: Mapped[str | None] = mapped_column(String(200))\n    total: Mapped[Decimal]",
    )


def added_setting(project: Project) -> None:
    project.replace(
        f"{BUSINESS}/src/business_api/settings.py",
        "    timeout_seconds: float = Field(default=5, gt=0)\n",
        '    timeout_seconds: float = Field(default=5, gt=0)\n    greeting: str = "hello"\n',
    )


def added_service(project: Project) -> None:
    project.append(
        "docker-compose.yml",
        "services:\n  cache:\n    image: redis:8\n",
    )


EDITS = [
    Edit(
        "a route in the orders slice",
        lambda p: p.append(
            f"{ORDERS}/router.py",
            '\n\n@router.get("/{order_id}/total")\n'
            "async def get_total(order_id: UUID, orders: OrdersPort) -> str:\n"
            '    """Return the total as text."""\n'
            "    return str((await orders.get(order_id)).total.amount)\n",
        ),
        follows(f"{ORDERS}/router.py", r"CANCELLED\).*async def get_total"),
    ),
    Edit(
        "a changed function in the orders slice",
        lambda p: p.replace(
            f"{ORDERS}/entities.py", '"An order has at least one line."', '"There is no line."'
        ),
        holds(f"{ORDERS}/entities.py", '"There is no line."'),
    ),
    Edit(
        "its test",
        lambda p: p.replace(
            f"{BUSINESS}/tests/unit/test_order_rules.py", '"at least one line"', '"no line"'
        ),
        holds(f"{BUSINESS}/tests/unit/test_order_rules.py", '"no line"'),
    ),
    Edit(
        "a field of a contract",
        lambda p: p.replace(
            "shared/contracts/src/contracts/orders.py",
            "    version: int\n    created_at",
            "    version: int\n    gift: bool = False\n    created_at",
        ),
        holds("shared/contracts/src/contracts/orders.py", "    gift: bool = False\n"),
    ),
    Edit(
        "a slice of the team, and a title in main.py",
        added_slice,
        holds(f"{BUSINESS}/src/business_api/main.py", 'title="Orders and notes"'),
    ),
    Edit(
        "a setting",
        added_setting,
        holds(f"{BUSINESS}/src/business_api/settings.py", 'greeting: str = "hello"'),
    ),
    Edit(
        "a migration and its column",
        added_column,
        lambda p: (p.path / DATA / "migrations/versions/core/0002_note.py").exists(),
    ),
    Edit(
        "a dependency of a service",
        lambda p: p.replace(
            f"{BUSINESS}/pyproject.toml",
            "you add below it\n",
            'you add below it\n    "babel>=2.16",\n',
        ),
        follows(f"{BUSINESS}/pyproject.toml", r'you add below it\n    "babel>=2.16",\n\]'),
    ),
    Edit(
        "a dependency of development",
        lambda p: p.replace(
            "pyproject.toml", '    "ruff>=0.15",\n', '    "ruff>=0.15",\n    "ipython",\n'
        ),
        follows("pyproject.toml", r'"ruff>=0\.15",\n    "ipython",\n\]'),
    ),
    Edit(
        "a rule for mypy",
        lambda p: p.append(
            "pyproject.toml", '\n[[tool.mypy.overrides]]\nmodule = "babel.*"\nstrict = false\n'
        ),
        holds("pyproject.toml", 'module = "babel.*"'),
    ),
    Edit(
        "a service of the team in Compose",
        added_service,
        follows("docker-compose.yml", r"\nservices:\n  cache:\n    image: redis:8\n$"),
    ),
    Edit(
        "an override of a service that is included",
        lambda p: p.write(
            "docker-compose.override.yml",
            "services:\n  business_api:\n    environment:\n      GREETING: hello\n",
        ),
        holds("docker-compose.override.yml", "GREETING: hello"),
    ),
    Edit(
        "a system package in an image",
        lambda p: p.replace(
            f"{BUSINESS}/Dockerfile",
            "# stagecraft: your",
            "RUN apt-get update && apt-get install --yes tzdata\n# stagecraft: your",
        ),
        follows(
            f"{BUSINESS}/Dockerfile", r"FROM.*apt-get install --yes tzdata\n# stagecraft: your"
        ),
    ),
    Edit(
        "a target of make",
        lambda p: p.append("Makefile", "\n.PHONY: hello\nhello: ## Say hello\n\t@echo hello\n"),
        lambda p: p.make("hello").stdout == "hello\n",
    ),
    Edit(
        "a line in .env.example",
        lambda p: p.append(".env.example", "GREETING=hello\n"),
        follows(".env.example", r"you add below it\nGREETING=hello\n$"),
    ),
    Edit(
        "another port in .env.example",
        lambda p: p.replace(".env.example", "BUSINESS_API_PORT=8000", "BUSINESS_API_PORT=9000"),
        holds(".env.example", "BUSINESS_API_PORT=9000"),
    ),
    Edit(
        "the other port in .env.example",
        lambda p: p.replace(".env.example", "DATA_API_PORT=8001", "DATA_API_PORT=9001"),
        holds(".env.example", "DATA_API_PORT=9001"),
    ),
    Edit(
        "a higher coverage",
        lambda p: p.append("Makefile", "\nCOVERAGE = 62\n"),
        follows("Makefile", r"\nCOVERAGE = 62\n"),
    ),
    Edit(
        "a rule of Ruff that is off",
        lambda p: p.replace("pyproject.toml", '"A003", "N818"', '"A003", "N818", "RET504"'),
        holds("pyproject.toml", '"N818", "RET504"]'),
    ),
    Edit(
        "a dependency of the chassis",
        lambda p: p.replace(
            "shared/chassis/pyproject.toml",
            '    "starlette>=1.0",\n',
            '    "starlette>=1.0",\n    "anyio>=4",\n',
        ),
        follows("shared/chassis/pyproject.toml", r'"starlette>=1\.0",\n    "anyio>=4",\n\]'),
    ),
    Edit(
        "a header for the next service",
        lambda p: p.write(HEADERS, SHOP_HEADER),
        holds(HEADERS, 'return {"X-Shop": "1"}'),
    ),
    Edit(
        "a variable for an included service",
        lambda p: p.replace(
            f"{BUSINESS}/compose.yml",
            "      DATA_SERVICE_URL: http://data_postgres_api:8001\n",
            "      DATA_SERVICE_URL: http://data_postgres_api:8001\n      SHOP: open\n",
        ),
        follows(
            f"{BUSINESS}/compose.yml",
            r"DATA_SERVICE_URL: [^\n]*\n      SHOP: open\n    (ports|volumes)",
        ),
    ),
    Edit(
        "notes in AGENTS.md",
        lambda p: p.append("AGENTS.md", "\nWe deploy on Fridays.\n"),
        follows("AGENTS.md", r"## Notes of the team\n.*We deploy on Fridays\.\n$"),
    ),
    Edit(
        "a decision in the architecture",
        lambda p: p.append("docs/architecture.md", "\n- Prices are net.\n"),
        follows("docs/architecture.md", r"## Decisions of the team\n.*Prices are net\.\n$"),
    ),
    Edit(
        "a file that git ignores",
        lambda p: p.append(".gitignore", "*.local\n"),
        follows(".gitignore", r"\*\.local\n$"),
    ),
    Edit(
        "a limit in the chassis",
        lambda p: p.replace(
            "shared/chassis/src/chassis/body_limit.py", "BYTES = 200_000", "BYTES = 2_000_000"
        ),
        holds("shared/chassis/src/chassis/body_limit.py", "BYTES = 2_000_000"),
    ),
    Edit(
        "a rewritten README",
        lambda p: p.write("README.md", "# Ours\n\nAll new.\n"),
        lambda p: p.read("README.md") == "# Ours\n\nAll new.\n",
    ),
    Edit(
        "a note in a document",
        lambda p: p.append(
            "docs/atomic/services/fastapi/routing-patterns.md", "\nOur routes are in English.\n"
        ),
        holds("docs/atomic/services/fastapi/routing-patterns.md", "\nOur routes are in English.\n"),
    ),
    Edit(
        "a deleted example",
        lambda p: (p.path / DATA / "tests/unit/test_orders_stored.py").unlink(),
        lambda p: not (p.path / DATA / "tests/unit/test_orders_stored.py").exists(),
    ),
    Edit(
        "a marker for pytest",
        lambda p: p.append("pytest.ini", "markers =\n    slow: takes its time\n"),
        holds("pytest.ini", "slow: takes its time"),
    ),
]


def is_taken_each_time(low: Combination, high: Combination) -> bool:
    """Whether a way is of those that every run takes.

    Of the covered ones: all the way; the first step without modules and the others with all of
    them; and at level 1 a module that no other brings. Of the rest `test_update_equals_render.py`
    shows that they arrive where these do.
    """
    if not is_covered(low, high):
        return False
    steps = high.level - low.level
    if high.ci_provider != Combination.ci_provider:
        return steps == 1
    if steps:
        return steps == RULES.highest - 1 or (steps == 1 and (low.level == 1) != bool(high.modules))
    brought = {other for stage in RULES.stages for other in stage.requires}
    return low.level == 1 and not high.modules <= brought


TAKEN = [way for way in moves() if is_taken_each_time(*way)]
MOVES = [pytest.param(*way, id="-".join(map(str, way))) for way in (moves() if FULL else TAKEN)]
# Every way takes all edits at once, below. Each by itself, a level up, shows which, when one fails
# there.
ALONE = [
    pytest.param(
        edit,
        low,
        high,
        id=f"{edit.name}-{low}-{high}",
        marks=[] if edit is EDITS[0] else pytest.mark.full,
    )
    for edit in EDITS
    for low, high in moves()
    if not high.modules and high.level - low.level == 1 and (FULL or high.level == 2)
]


def asked_for(low: Combination, high: Combination) -> list[str]:
    """The modules that lead from one set to the other; those that they require come with them."""
    added = high.modules - low.modules
    brought = {other for module in added for other in RULES.with_required({module}) - {module}}
    return sorted(added - brought)


def conflicts(project: Project) -> list[str]:
    """The files that hold conflict markers or were left beside as rejects."""
    return [
        path
        for path, content in files_of(project.path).items()
        if not path.startswith(".venv/")
        if re.search(rb"^(<<<<<<<|>>>>>>>)", content, re.MULTILINE) or path.endswith(".rej")
    ]


def check_kept(project: Project, edits: list[Edit]) -> None:
    """Fail for a conflict, or for an edit that is gone or elsewhere."""
    assert conflicts(project) == []
    assert [edit.name for edit in edits if not edit.kept(project)] == []


@pytest.mark.parametrize(("edit", "low", "high"), ALONE)
def test_one_edit_is_kept(tmp_path: Path, edit: Edit, low: Combination, high: Combination) -> None:
    project = start(tmp_path / "project", low)
    edit.apply(project)
    assert edit.kept(project), "the edit itself is wrong"
    project.commit(edit.name)
    project.move(high)
    check_kept(project, [edit])


@pytest.mark.parametrize(("low", "high"), MOVES)
def test_all_edits_are_kept(tmp_path: Path, low: Combination, high: Combination) -> None:
    require_docker()
    project = start(tmp_path / "project", low)
    for edit in EDITS:
        edit.apply(project)
    project.commit("All edits")
    project.move(high)
    check_kept(project, EDITS)
    project.make("env")
    config = subprocess.run(
        ["docker", "compose", "config"], cwd=project.path, capture_output=True, text=True
    )
    assert config.returncode == 0, config.stderr
    for text in ("GREETING: hello", "SHOP: open", "image: redis:8"):
        assert text in config.stdout


@pytest.mark.full
@pytest.mark.parametrize(("low", "high"), TAKEN)
def test_the_suite_is_green_before_and_after(
    tmp_path: Path, low: Combination, high: Combination
) -> None:
    """With the commands of a team.

    In each run `test_make_verify.py` takes the longest way, with every gate at both ends.
    """
    require_docker()
    project = start(tmp_path / "project", low)
    for edit in EDITS:
        edit.apply(project)
    project.make("setup")
    project.commit("All edits, and the lock")
    project.make("test")
    # The very command that a team uses: it also refreshes the lock and looks for markers.
    other = [f"CI_PROVIDER={high.ci_provider}"] * (high.ci_provider != "github")
    asked = [f"MODULE={module}" for module in asked_for(low, high)]
    project.make("upgrade", f"LEVEL={high.level}", *asked[:1], *other)
    for module in asked[1:]:
        project.commit("One module more")
        project.make("upgrade", module)
    check_kept(project, EDITS)
    project.make("lint")
    project.make("test")


@pytest.mark.parametrize(("low", "high"), MOVES)
def test_edits_are_kept_on_the_way_down(
    tmp_path: Path, low: Combination, high: Combination
) -> None:
    project = start(tmp_path / "project", high)
    for edit in EDITS:
        edit.apply(project)
    project.commit("All edits")
    gone = dict.fromkeys(high.modules - low.modules, False)
    project.move(low, {"allow_removal": True, **gone})
    check_kept(project, EDITS)


def test_an_edit_of_a_managed_line_is_a_conflict_that_is_reported(tmp_path: Path) -> None:
    """The tests above can fail: an edit on the very line that a level changes cannot be kept."""
    project = start(tmp_path / "project", Combination(1))
    managed = "shared/chassis/src/chassis/client.py"
    project.replace(managed, "= subject_headers(self._name)", "= dict(subject_headers(self._name))")
    project.commit("An edit where none belongs")
    done = project.make("upgrade", "LEVEL=2", check=False)
    assert done.returncode != 0
    assert conflicts(project) == [managed]
    assert managed in done.stderr
    assert "remove the markers" in done.stderr
    # Unmerged in the index, so git refuses a commit until somebody has resolved it.
    assert f"UU {managed}\n" in project.git("status", "--porcelain")
    project.git("restore", "--source=HEAD", "--staged", "--worktree", ".")
    assert project.git("status", "--porcelain") == ""
    assert not (project.path / "docker-compose.dev.yml").exists()

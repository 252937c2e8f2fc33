"""`make remove-example` leaves what a project without the example is, and loses no row or edit."""

from dataclasses import replace
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.moves.test_edits_survive import conflicts
from tests.moves.test_replaced_domain import is_green, of_example
from tests.support.domain import remove_example
from tests.support.matrix import ALL, FULL, RULES
from tests.support.project import Project, files_of, render, start

VERSIONS = "services/data_postgres_api/migrations/versions"
REVISION = f"{VERSIONS}/core/remove_example.py"
ORDERS = f"{VERSIONS}/core/0001_orders.py"
MODELS = "services/data_postgres_api/src/data_postgres_api/orders/models.py"
PROJECTS = [
    Combination(level, modules)
    for level in range(1, RULES.highest + 1)
    for modules in (RULES.sets_of_modules() if FULL else [frozenset[str](), ALL])
    if FULL or level in (1, RULES.highest) or modules
]
LATER = """\
\"\"\"A column of the team's.\"\"\"

revision: str = "abc123"
down_revision: str | None = "core_0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    \"\"\"Move the schema forward.\"\"\"


def downgrade() -> None:
    \"\"\"Take the change back.\"\"\"
"""


def refused(project: Project, *arguments: str) -> str:
    """Return why the example is not taken away; fail if anything has changed."""
    before = files_of(project.path)
    done = project.make("remove-example", *arguments, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert files_of(project.path) == before
    return done.stderr


def never_had_it(folder: Path, combination: Combination, name: str) -> dict[str, bytes]:
    """The files of a project of that name which was made without the example."""
    names = {"project_name": name, "description": "A small shop that takes orders."}
    return files_of(render(folder, replace(combination, example=False), names))


@pytest.mark.parametrize("combination", PROJECTS, ids=str)
def test_what_stays_is_a_project_without_the_example(
    tmp_path: Path, combination: Combination
) -> None:
    project = start(tmp_path / "project", combination)
    wanted = never_had_it(tmp_path / "bare", combination, "Shop")
    said = project.make("remove-example").stderr
    number = 5 + ("file_storage" in combination.modules)
    assert f"services/business_api/src/business_api/orders: {number}" in said
    assert "name files that are not there" not in said
    found = files_of(project.path)
    history = {path for path in of_example(project) if path.startswith(VERSIONS)} | {REVISION}
    assert ORDERS in history
    assert {path: found[path] for path in found.keys() - history} == wanted
    # Others are looked at by test_lint_and_unit_tests.py, as projects that never had the example.
    if combination == Combination(1):
        is_green(project)


def test_edits_stay_and_the_project_moves_on(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.append("README.md", "\nOurs.\n")
    project.replace("services/business_api/src/business_api/main.py", '"Business API"', '"Ours"')
    project.write(f"{VERSIONS}/core/0002_ours.py", LATER)
    project.commit("Edits")
    project.make("remove-example")
    assert 'down_revision: str | Sequence[str] | None = "abc123"' in project.read(REVISION)
    project.commit("Remove the example")
    for target in (Combination(2, frozenset({"workers"})), Combination(RULES.highest, ALL)):
        project.move(target)
        project.commit(str(target))
        assert conflicts(project) == []
    assert project.read("README.md").endswith("\nOurs.\n")
    assert 'title="Ours"' in project.read("services/business_api/src/business_api/main.py")
    assert of_example(project) == [ORDERS]
    assert "example: false" in project.read(".copier-answers.yml")


def test_a_module_that_goes_later_leaves_the_history_alone(tmp_path: Path) -> None:
    """The revisions of the example are the team's now, whichever module brought them."""
    project = start(tmp_path / "project", Combination(1, frozenset({"workers"})))
    project.make("remove-example")
    assert 'depends_on: str | Sequence[str] | None = ("sales_0001",)' in project.read(REVISION)
    assert "module: str" not in project.read(f"{VERSIONS}/sales/0001_sales.py")
    project.commit("Remove the example")
    project.move(Combination(1), {"workers": False, "allow_removal": True})
    assert conflicts(project) == []
    assert (project.path / VERSIONS / "sales/0001_sales.py").exists()
    assert not (project.path / VERSIONS / "inbox").exists()


def test_what_a_file_of_the_team_imports_is_kept(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.write(
        "shared/contracts/src/contracts/bills.py",
        '"""Bills."""\n\nfrom contracts.money import Money\n\n__all__ = ["Money"]\n',
    )
    project.commit("Bills")
    said = project.make("remove-example").stderr
    assert "because files of yours import them:\n  shared/contracts/src/contracts/money.py" in said
    assert of_example(project) == [ORDERS, "shared/contracts/src/contracts/money.py"]
    is_green(project)


@pytest.mark.parametrize("combination", [Combination(1), Combination(RULES.highest, ALL)], ids=str)
def test_deleted_by_hand_it_is_gone_after_the_next_move(
    tmp_path: Path, combination: Combination
) -> None:
    """The move takes the lines of the example out of the files that it shares with others."""
    project = start(tmp_path / "project", combination)
    remove_example(project)
    project.commit("Without the example")
    project.make("upgrade", "NAME=Tea House")
    assert files_of(project.path) == never_had_it(tmp_path / "bare", combination, "Tea House")


def test_where_the_team_has_edited_the_lines_of_the_example_they_stay(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1, frozenset({"workers"})))
    remove_example(project)
    project.replace("README.md", "Then place an order and look at it:", "Then ask for a ticket:")
    project.commit("A command of ours")
    said = project.make("upgrade", "LEVEL=2").stderr
    assert conflicts(project) == []
    assert "Then ask for a ticket:" in project.read("README.md")
    assert "Replace the example" not in project.read("AGENTS.md")
    assert "name files that are not there" not in said


def test_pages_that_are_no_longer_true_are_named(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    assert "Every file that the pages name is there." in project.make("docs-check").stderr
    project.git("rm", "--quiet", "shared/chassis/src/chassis/subject.py")
    project.append("AGENTS.md", "\nOur `tools/of_ours.py` is elsewhere.\n")
    done = project.make("docs-check", check=False)
    assert done.returncode != 0
    assert "chassis/subject.py" in done.stderr
    assert "of_ours" not in done.stderr


def test_it_is_refused_where_something_would_be_lost(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.append("journey.py", "\n# Ours.\n")
    assert "Commit or stash first" in refused(project)
    project.commit("An edit")
    assert "journey.py" in refused(project)
    assert "REMOVE=yes" in refused(project)

    assert "takes DRY_RUN=yes and REMOVE=yes" in refused(project, "LEVEL=2")
    ours = "services/data_postgres_api/src/data_postgres_api/ours.py"
    for text in (
        # By way of a file of the example that would stay.
        "from data_postgres_api.orders.repository import OrderRepository\n",
        "from .orders import models\n",
        'key = ForeignKey("orders.id")\n',
    ):
        project.write(ours, text)
        project.commit("A use of the tables")
        said = refused(project, "REMOVE=yes")
        assert f"use tables of the example, which would go. Change them first:\n  {ours}\n" in said
    project.git("rm", "--quiet", ours)
    project.commit("Without it")

    project.write(f"{VERSIONS}/core/0002_one.py", LATER)
    project.write(f"{VERSIONS}/core/0002_two.py", LATER.replace("abc123", "def456"))
    project.commit("Two heads")
    assert "several heads: abc123, def456." in refused(project, "REMOVE=yes")


def test_the_tables_go_whatever_the_files_of_their_revisions_are_called(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.git("mv", ORDERS, f"{VERSIONS}/core/2026_first.py")
    merged = LATER.replace(
        'down_revision: str | None = "core_0001"', 'down_revision = ("a1", "b1")'
    )
    for name in ("a1", "b1"):
        project.write(f"{VERSIONS}/core/{name}.py", LATER.replace("abc123", name))
    project.write(f"{VERSIONS}/core/merged.py", merged)
    project.commit("A branch and a merge")
    project.make("remove-example")
    assert '"abc123"' in project.read(REVISION)
    assert 'TABLES = ("orders", "order_lines")' in project.read(REVISION)
    assert (project.path / VERSIONS / "core/2026_first.py").exists()


def test_a_conflict_says_what_becomes_of_the_tables(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.replace("README.md", "Then place an order and look at it:", "Then buy something:")
    project.commit("An edit of a line of the example")
    done = project.make("remove-example", check=False)
    assert done.returncode != 0
    assert conflicts(project) == ["README.md"]
    assert "to the schema removed_example" in done.stderr
    assert "git restore" in done.stderr


def test_the_queues_of_the_example_are_named(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1, frozenset({"workers"})))
    said = project.make("remove-example").stderr
    assert "rabbitmqctl delete_queue business_worker.sales\n" in said
    assert "business_bot" not in said


def test_what_is_left_of_an_example_that_was_deleted_in_part_is_named(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.git("rm", "--quiet", "services/business_api/src/business_api/orders/router.py")
    project.commit("Without its routes")
    said = refused(project)
    assert "Some of its files are left:" in said
    assert "orders/use_cases.py" in said


def test_a_dry_run_says_what_goes_and_changes_nothing(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    before = files_of(project.path)
    done = project.make("remove-example", "DRY_RUN=yes")
    assert "Removed files (17):" in done.stdout
    assert f"  {REVISION}" in done.stdout
    assert files_of(project.path) == before


def test_without_the_example_there_is_nothing_to_remove(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1, example=False))
    assert "does not have the example" in refused(project)


def test_a_domain_of_the_same_name_is_the_teams(tmp_path: Path) -> None:
    """A project without the example may have orders of its own, at the very same paths."""
    project = start(tmp_path / "project", Combination(1, example=False))
    router = "services/business_api/src/business_api/orders/router.py"
    for path in (router, MODELS):
        project.write(path, '"""Ours."""\n')
    project.commit("Orders")
    project.make("upgrade", "LEVEL=2")
    assert project.read(router) == '"""Ours."""\n'
    assert of_example(project) == [router, MODELS]

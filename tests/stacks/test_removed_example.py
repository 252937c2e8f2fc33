"""After `make remove-example` databases migrate, with rows in them or new, and no row is lost."""

from pathlib import Path

from extensions.stages import Combination
from tests.support.docker import Stack, require_docker, stack
from tests.support.project import start

ORDER = "INSERT INTO {} VALUES (gen_random_uuid(), 'ada', 'placed', 'EUR', 4.50, 1) RETURNING total"
SALE = "INSERT INTO {} VALUES ('TEA', 2, 1) RETURNING quantity"


def migrate(running: Stack, *command: str) -> None:
    running.compose("run", "--rm", "--build", "migrate", *command)


def tables(running: Stack, schema: str) -> set[str]:
    listed = f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
    return set(running.sql(listed).split())


def test_the_tables_go_and_their_rows_stay(tmp_path: Path) -> None:
    require_docker()
    examples = {"orders", "order_lines", "sales"}
    project = start(tmp_path / "shop", Combination(1, frozenset({"workers"})))
    project.make("env")
    project.lock()
    with stack(project) as running:
        migrate(running)
        assert tables(running, "public") > examples
        running.sql(ORDER.format("orders"))
        running.sql(SALE.format("sales"))
        project.commit("The lock")
        project.make("remove-example")

        migrate(running)
        migrate(running, "alembic", "check")
        assert tables(running, "public") & examples == set()
        assert tables(running, "removed_example") == examples
        assert running.sql("SELECT customer_id FROM removed_example.orders") == "ada"
        assert running.sql("SELECT quantity FROM removed_example.sales") == "2"

        migrate(running, "alembic", "downgrade", "core@-1")
        assert tables(running, "public") > examples
        assert running.sql("SELECT customer_id FROM orders") == "ada"

        running.compose("down", "--volumes", "--timeout", "0")
        migrate(running)
        assert tables(running, "removed_example") == examples

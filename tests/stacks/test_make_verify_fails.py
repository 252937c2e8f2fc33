"""`make verify` stops at what is broken, and leaves the stack of development alone."""

import re
import tomllib
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.matrix import FULL
from tests.support.project import Project, start

# What each level's own gates find: a file, what is changed in it, and the gate that stops.
BREAKS = {
    1: {
        "a service": (
            "services/business_api/src/business_api/main.py",
            "= create_app(",
            "= create(",
            1,
        ),
        "the migrations": (
            "services/data_postgres_api/migrations/versions/core/0001_orders.py",
            "down_revision: str | Sequence[str] | None = None",
            'down_revision: str | Sequence[str] | None = "lost"',
            1,
        ),
        "an API": (
            "services/data_postgres_api/src/data_postgres_api/orders/repository.py",
            "shown = rows[: query.limit]",
            "shown = rows[0]",
            2,
        ),
        "types": (
            "services/business_api/src/business_api/orders/use_cases.py",
            '-> Order:\n    """Store',
            '-> int:\n    """Store',
            6,
        ),
        "a rule": (
            "services/business_api/src/business_api/orders/entities.py",
            "if target not in allowed",
            "if target in allowed",
            3,
        ),
    },
    # From here on only the gate and what it needs are run, as all would take minutes.
    2: {
        "security": (
            "services/business_api/src/business_api/orders/use_cases.py",
            "    return moved\n",
            '    exec("")\n    return moved\n',
            7,
        ),
        "a query": (
            "services/data_postgres_api/src/data_postgres_api/orders/repository.py",
            "OrderRow.id) < (",
            "OrderRow.id) > (",
            8,
        ),
    },
    3: {
        "an alert": ("infrastructure/prometheus/alerts.yml", "> 0.05", "> 0.5", 4),
        "a hidden path": (
            "infrastructure/nginx/templates/gateway.conf.template",
            "^/(metrics|",
            "^/(meters|",
            10,
        ),
        "no baseline": ("README.md", "# ", "# ", 11),
    },
    4: {
        "the policy": (
            "services/business_api/src/business_api/policies/orders.toml",
            '"POST /api/v1/orders" = ',
            '"POST /api/v1/others" = ',
            3,
        ),
        "an owner": (
            "services/data_postgres_api/src/data_postgres_api/identity/models.py",
            '"oauth_clients"\n    __owner__ = SHARED\n',
            '"oauth_clients"\n',
            9,
        ),
        "an unexplained exception": (
            "services/business_api/src/business_api/orders/use_cases.py",
            "    return moved\n",
            "    return moved  # nosec B101\n",
            8,
        ),
    },
}


# Found by gates of which another is seen to stop, after minutes of building and starting.
RARELY: set[str] = (
    set()
    if FULL
    else {
        "an API",
        "the migrations",
        "a query",
        "the policy",
        "an owner",
        "a hidden path",
        "no baseline",
    }
)
# The gate that starts the system, and those which need it running.
START = 1
ASKING = {3, 10, 11}


def keep(project: Project, gate: int) -> int:
    """Leave a project one gate, after the one that it needs; return how many there are."""
    plan = project.read("make/gates.toml")
    gates = tomllib.loads(plan)["gate"]
    head, *blocks = plan.split("\n[[gate]]\n")
    assert len(blocks) == len(gates)
    kept = [START, gate] if gate in ASKING else [gate]
    project.write("make/gates.toml", "\n[[gate]]\n".join([head, *(blocks[n - 1] for n in kept)]))
    return len(kept)


@pytest.mark.parametrize(
    ("level", "broken"),
    [(level, key) for level in BREAKS for key in BREAKS[level] if key not in RARELY],
)
def test_make_verify_stops_at_what_is_broken(tmp_path: Path, level: int, broken: str) -> None:
    require_docker()
    path, old, new, gate = BREAKS[level][broken]
    number = list(BREAKS[level]).index(broken)
    project = start(tmp_path / f"broken-{level}-{number}", Combination(level))
    text = project.read(path)
    assert old in text
    (project.path / path).write_text(text.replace(old, new, 1))
    # One runs all gates before the one that stops.
    alone = (level >= 2 or broken not in ("a rule", "a service")) and not FULL
    if alone:
        gate = keep(project, gate)
    done = project.make("verify", check=False)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if re.match(r"(passed|skip|FAILED) ", line)]
    assert lines[-1].startswith("FAILED")
    assert len(lines) == gate
    report = project.read("reports/qa-report.md")
    assert "FAILED" in report
    assert ("Not run, because an earlier gate failed: nothing" in report) == alone
    if broken == "a service":
        assert "NameError: name 'create' is not defined" in done.stderr
    if broken == "an unexplained exception":
        assert "use_cases.py" in done.stderr
        assert "say why it is none" in done.stderr
    if broken == "no baseline":
        assert 'run "make up" and "make baseline"' in done.stderr


@pytest.mark.full
def test_the_load_test_stops_at_what_became_slower(tmp_path: Path) -> None:
    project = start(tmp_path / "slower", Combination(3))
    router = "services/business_api/src/business_api/orders/router.py"
    quick = "    return await orders.list(query)\n"
    slow = (
        "    page = await orders.list(query)\n"
        "    for order in page.items:\n"
        "        await orders.get(order.id)\n"
        "    return page\n"
    )
    with stack(project) as running:
        running.up()
        project.make("baseline", environment=running.environment)
        text = project.read(router)
        assert text.count(quick) == 1
        project.write(router, text.replace(quick, slow))
        running.up()
        done = project.make("load", check=False, environment=running.environment)
    assert done.returncode != 0
    complaints = done.stderr.split("Slower than the baseline, each time:\n")[1]
    assert re.match(r"list: [0-9.]+ times the calibration, [0-9.]+ in the", complaints)


def test_coverage_is_a_gate(tmp_path: Path) -> None:
    project = start(tmp_path / "covered", Combination(1))
    for tests in ("business_api/tests/unit", "data_postgres_api/tests/unit"):
        for file in (project.path / "services" / tests).glob("test_*.py"):
            file.unlink()
    for file in (project.path / "shared/chassis/tests/unit").glob("test_*.py"):
        file.unlink()
    done = project.make("test", check=False)
    assert done.returncode != 0
    assert "Required test coverage of 60% not reached" in done.stdout + done.stderr


def test_verify_refuses_to_share_a_volume_with_development(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "shared", Combination(1))
    project.write("docker-compose.override.yml", "volumes:\n  postgres_data:\n    name: precious\n")
    done = project.make("verify", check=False)
    assert done.returncode != 0
    assert "fixed name" in done.stderr
    assert "postgres_data" in done.stderr

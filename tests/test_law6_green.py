"""Law 6, green: a generated project passes its own `make verify`."""

import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.http import eventually
from tests.support.matrix import ALL, FULL, PYTHONS, RULES, covering
from tests.support.project import outer_environment, start
from tests.support.verified import check_verified

# test_commands.py runs all gates of these, as the printed commands of a copy and of an update.
PRINTED = [
    Combination(1),
    Combination(2, ALL),
    Combination(3, ALL),
    Combination(RULES.highest, ALL),
]
COVERED = [
    pytest.param(combination, python, id=f"{combination}-{python}")
    for combination, python in covering(2)
    if FULL or combination not in PRINTED or python != PYTHONS[-1]
]


def is_looked_at_here(combination: Combination, python: str) -> bool:
    """Whether no other test looks at it: law 4 at what has no modules, on a way up.

    With all modules the other Python is seen where there is most of it.
    """
    if not combination.modules:
        return python != PYTHONS[-1]
    return combination.modules != ALL or combination.level == RULES.highest


SHORT = [row for row in COVERED if FULL or is_looked_at_here(*row.values)]  # type: ignore[arg-type]


# All gates take minutes, and those that are printed have each of them.
@pytest.mark.full
@pytest.mark.parametrize(("combination", "python"), COVERED)
def test_make_verify_is_green(tmp_path: Path, combination: Combination, python: str) -> None:
    require_docker()
    folder = tmp_path / f"green-{combination}-{python.replace('.', '')}"
    project = start(folder, combination, {"python_version": python})
    if combination.level >= 3:
        # Not the host that the files assume.
        project.write(".env", "GATEWAY_HOSTS=shop.example\n")
        with stack(project) as running:
            running.up()
            project.make("baseline", environment=running.environment)
        project.commit("The lock and the baseline")
    check_verified(project, combination, project.make("verify").stdout)


@pytest.mark.parametrize(("combination", "python"), SHORT)
def test_what_needs_nothing_else_is_green(
    tmp_path: Path, combination: Combination, python: str
) -> None:
    """Types, style, and the tests without others, where not all gates are run each time."""
    project = start(tmp_path / "short", combination, {"python_version": python})
    project.make("lint")
    unit = [str(project.path / ".venv/bin/pytest"), "--no-cov", "services", "shared"]
    done = subprocess.run(
        unit, cwd=project.path, env=outer_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    if combination.level == RULES.highest:
        project.make("pipelines")
        project.make("papers")


def test_the_integration_tests_take_a_given_postgres(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "given", Combination(2))
    project.make("setup")
    run = ["docker", "run", "--rm", "--detach", "--publish", "127.0.0.1::5432"]
    started = subprocess.run(
        [*run, "--env", "POSTGRES_PASSWORD=test", "postgres:17"],
        check=True,
        capture_output=True,
        text=True,
    )
    container = started.stdout.strip()
    try:
        ask = ["docker", "port", container, "5432"]
        where = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split()[0]
        ready = ["docker", "exec", container, "pg_isready", "--host", "127.0.0.1"]
        eventually(lambda: subprocess.run(ready, capture_output=True).returncode == 0)
        url = f"postgresql+asyncpg://postgres:test@{where}/postgres"
        test = [str(project.path / ".venv/bin/pytest"), "--no-cov", "tests"]
        done = subprocess.run(
            test,
            cwd=project.path,
            # Nowhere is a Docker engine: a container cannot be what makes the tests pass.
            env=outer_environment()
            | {"TEST_POSTGRES_URL": url, "DOCKER_HOST": "tcp://127.0.0.1:1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        assert "skipped" not in done.stdout
    finally:
        subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)

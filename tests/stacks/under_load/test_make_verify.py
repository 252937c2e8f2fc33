"""A project passes its own `make verify` after the printed commands, fresh and then edited."""

import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.moves.test_edits_survive import EDITS as ALL_EDITS
from tests.moves.test_edits_survive import check_kept
from tests.support.commands import copier, run_printed
from tests.support.docker import require_docker, stack
from tests.support.http import eventually
from tests.support.matrix import ALL, BARE, PYTHONS, RULES, verified
from tests.support.project import Project, outer_environment, start
from tests.support.template import repository
from tests.support.verified import PRINTED, check_verified

# These two need the team's image and its packages, which an engine may be unable to fetch.
EDITS = [
    edit
    for edit in ALL_EDITS
    if edit.name not in {"a service of the team in Compose", "a system package in an image"}
]


# Level 4 has every gate of levels 2 and 3. This project uses the Python version and the CI provider
# that the shared stacks of other tests do not use.
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (1, RULES.highest),
        pytest.param(1, 2, marks=pytest.mark.full),
        pytest.param(3, RULES.highest, marks=pytest.mark.full),
    ],
)
def test_the_commands_after_a_copy_and_after_an_update(
    tmp_path: Path, first: int, then: int
) -> None:
    require_docker()
    target = tmp_path / "printed here"
    python, provider = PRINTED[-1][1], PRINTED[-1][0].ci_provider
    every = [option for module in sorted(ALL) for option in ("--data", f"{module}=true")]
    asked = every if first > 1 else []
    copied = copier(
        *("copy", "--defaults", "--vcs-ref=HEAD", "--data", f"maturity_level={first}"),
        *("--data", f"python_version={python}", "--data", f"ci_provider={provider}"),
        *asked,
        str(repository()),
        str(target),
        folder=tmp_path,
    )
    assert "Every answer can be changed later" in copied.stderr
    project = Project(target)
    # Not the host that the files of level 3 assume.
    project.write(".env", "GATEWAY_HOSTS=shop.example\n")
    with stack(project) as running:

        def follow(printed: str, combination: Combination) -> None:
            """Run the commands that Copier printed, and check what `make verify` said."""
            said = run_printed(
                printed.split("Next:")[1],
                # A copy says where to go, an update is there.
                tmp_path if printed is copied.stderr else target,
                running.environment,
                stop=combination.level >= 3,
            )
            check_verified(project, combination, said)

        follow(copied.stderr, Combination(first, ALL if asked else frozenset(), provider))
        for edit in EDITS:
            edit.apply(project)
        project.commit("The lock and the edits")
        more = () if asked else every
        updated = copier(
            *("update", "--defaults", "--vcs-ref=:current:", "--data", f"maturity_level={then}"),
            *more,
            folder=target,
        )
        check_kept(project, EDITS)
        follow(updated.stderr, Combination(then, ALL, provider))
        assert f"maturity_level: {then}" in project.read(".copier-answers.yml")


# All gates take minutes, and the way above has each of them.
@pytest.mark.full
@pytest.mark.parametrize(
    ("combination", "python"),
    [
        pytest.param(*row, id=f"{row[0]}-{row[1]}")
        for row in [*verified(), *((each, PYTHONS[0]) for each in BARE)]
    ],
)
def test_make_verify_is_green(tmp_path: Path, combination: Combination, python: str) -> None:
    require_docker()
    folder = tmp_path / f"green-{combination}-{python.replace('.', '')}"
    project = start(folder, combination, {"python_version": python})
    if combination.level >= 3:
        # Not the host that the files assume.
        project.write(".env", "GATEWAY_HOSTS=shop.example\n")
        if combination.example:
            with stack(project) as running:
                running.up()
                project.make("baseline", environment=running.environment)
            project.commit("The lock and the baseline")
    check_verified(project, combination, project.make("verify").stdout)


def test_the_integration_tests_take_a_given_postgres(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "given", Combination(2))
    project.make("setup")
    run = ["docker", "run", "--rm", "--detach", "--publish", "127.0.0.1::5432"]
    started = subprocess.run(
        [*run, "--env", "POSTGRES_PASSWORD=test", "postgres:17-trixie"],
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

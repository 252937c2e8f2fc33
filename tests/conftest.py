"""How the tests are selected and spread, for all of them.

`tests/static` renders and reads, `tests/moves` runs Copier, `tests/stacks` runs containers.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.docker import swarm_state
from tests.support.matrix import FULL
from tests.support.template import repository

# What a team puts into a project, its tests among it.
collect_ignore = ["domains"]


def unit_of(nodeid: str) -> str:
    """Return what one worker runs as a whole.

    A folder below `tests/stacks` shares a running system, and a file shares what its fixtures make.
    The tests of `tests/moves` share nothing, nor do those that verify one combination each.
    """
    path = PurePosixPath(nodeid.split("::")[0])
    _, group, *below = path.parts
    if group == "moves" or "::test_make_verify_is_green[" in nodeid:
        return nodeid
    if group == "stacks" and len(below) > 1:
        return str(path.parent)
    return str(path)


def rank_of(nodeid: str) -> int:
    """Return the place of a test: the longest units begin, and what is begun last is short."""
    unit = unit_of(nodeid)
    if unit.startswith("tests/stacks"):
        return 1 if unit.endswith(".py") else 0
    return 2 if unit.startswith("tests/static") else 3


class ByUnit(LoadFileScheduling):  # type: ignore[misc]
    """Hands out whole units, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByUnit:
    """Of pytest-xdist: how `--dist loadfile` is understood here."""
    return ByUnit(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest units; the order within a unit stays.

    What is marked with `full` is left out, and counted as deselected, unless all is run.
    """
    rare = [] if FULL else [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=rare)
    items[:] = [item for item in items if item not in rare]
    items.sort(key=lambda item: rank_of(item.nodeid))


@pytest.fixture(scope="session", autouse=True)
def _remove_the_template() -> Iterator[None]:
    """Remove the committed copy of the checkout when the run ends."""
    yield
    shutil.rmtree(repository(), ignore_errors=True)


class AtOnce:
    """Shows a failure when it happens: a run that is cut off shows no summary."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self.reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.reporter.write_line(f"\nFAILED {report.nodeid} ({report.when})", red=True)
            self.reporter.write_line("\n".join(report.longreprtext.splitlines()[-40:]))


SWARM = pytest.StashKey[str]()
# What useradd ends with for a name that is taken.
EXISTS = 9


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note whether this machine is in a Swarm, and make the user whom PostgreSQL runs as for root.

    The package that unit tests of projects take it from makes that user itself, and fails when two
    workers do so at a time.
    """
    if os.geteuid() == 0 and not hasattr(session.config, "workerinput"):
        made = subprocess.run(["useradd", "--shell", "/bin/bash", "pgserver"], capture_output=True)
        if made.returncode not in (0, EXISTS):
            raise pytest.UsageError(made.stderr.decode())
    session.config.stash[SWARM] = swarm_state()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, pytest.TerminalReporter):
        session.config.pluginmanager.register(AtOnce(reporter))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where Docker is demanded, a skip is a failure: nothing may hide.

    A Swarm that a test has begun is left here, when no worker runs any more: to leave it takes the
    DNS from containers that are starting (seen).
    """
    begun = session.config.stash[SWARM] == "inactive" and swarm_state() == "active"
    if begun and not hasattr(session.config, "workerinput"):
        subprocess.run(["docker", "swarm", "leave", "--force"], check=True, capture_output=True)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("STAGECRAFT_REQUIRE_DOCKER"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

"""Fixtures for all tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.docker import swarm_state
from tests.support.matrix import FULL
from tests.support.template import repository

# By how long they take: what is begun last must be short, or one worker waits for the other.
LONGEST_FIRST = [
    "test_commands.py",
    "test_law7_rollout.py",
    "test_law7_swarm.py",
    "test_performance.py",
    "test_law6_stops.py",
    "test_law7_database.py",
    "test_law7_alerts.py",
    "test_law7_workers.py",
    "test_law7_bot.py",
    "test_law7_production.py",
    "test_law6_green.py",
    "test_law7_logs.py",
    "test_pipelines.py",
    "test_law7_security.py",
    "test_law7_honest.py",
    "test_law7_events.py",
    "test_law2_exact.py",
    "test_law1_rules.py",
    "test_law5_alive.py",
]
# One worker takes all of these: what each measures under load, another's load would spoil.
UNDER_LOAD = {
    "test_commands.py",
    "test_law7_rollout.py",
    "test_law7_swarm.py",
    "test_performance.py",
    "test_law6_stops.py",
}


# Nothing in these is shared: each test goes to whoever is free, last of all.
BY_TEST = ["test_law4_keep.py", "test_law3_move.py"]


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Most files go to workers whole, and those that are under load all to one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if Path(file).name in BY_TEST:
            return nodeid
        return "under load" if Path(file).name in UNDER_LOAD else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Of pytest-xdist: how `--dist loadfile` is understood here."""
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files; the order within a file stays.

    What is marked with `full` is left out, and counted as deselected, unless all is run.
    """
    rare = [] if FULL else [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=rare)
    items[:] = [item for item in items if item not in rare]
    order = {name: place for place, name in enumerate(LONGEST_FIRST)}
    order |= {name: len(LONGEST_FIRST) + 1 + place for place, name in enumerate(BY_TEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST_FIRST)))


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


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note whether this machine is in a Swarm."""
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

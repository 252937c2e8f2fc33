"""Fixtures for all tests."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.support.template import repository


@pytest.fixture(scope="session", autouse=True)
def _remove_the_template() -> Iterator[None]:
    """Remove the committed copy of the checkout when the run ends."""
    yield
    shutil.rmtree(repository(), ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where Docker is demanded, a skip is a failure: nothing may hide."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("STAGECRAFT_REQUIRE_DOCKER"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

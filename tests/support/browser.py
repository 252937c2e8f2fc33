"""A real browser without a screen: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, sync_playwright
from playwright.sync_api import Error as BrowserError

# A container that starts or ends beside is a change of the network, for which Chromium gives up
# whatever it is loading.
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
TIMES = 5


def browse(journey: Callable[[BrowserContext], None]) -> None:
    """Make a journey in a fresh browser; once more from its start when the network changed."""
    for attempt in range(1, TIMES + 1):
        failures: list[str | None] = []
        with chromium() as browser:
            browser.on("requestfailed", lambda request: failures.append(request.failure))  # noqa: B023
            try:
                journey(browser)
            except (BrowserError, AssertionError):
                if NETWORK_CHANGED not in failures or attempt == TIMES:
                    raise
            else:
                return


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """Yield a fresh browser that trusts self-signed certificates; skip visibly without Chromium."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("STAGECRAFT_REQUIRE_DOCKER"):
            pytest.fail("Chromium is required (STAGECRAFT_REQUIRE_DOCKER) and not here.")
        pytest.skip("needs Chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        try:
            context = browser.new_context(ignore_https_errors=True)
            context.set_default_timeout(20_000)
            yield context
        finally:
            browser.close()

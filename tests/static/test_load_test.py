"""The load test: what fails on a busy machine is measured again, and only there."""

import runpy
from collections.abc import Iterator
from typing import Any

import pytest

from extensions.stages import TEMPLATE

GOOD: dict[str, Any] = {
    "failures": [],
    "seldom": [],
    "milliseconds": {"calibration": 10.0, "list orders": 5.0},
}
BAD: dict[str, Any] = {"failures": ["calibration: 503"], "seldom": [], "milliseconds": {}}
SELDOM: dict[str, Any] = {"failures": [], "seldom": ["pay an order"], "milliseconds": {}}


def measure(runs: Iterator[dict[str, Any]], busy: bool) -> dict[str, float]:
    """Measure with these results of one run after the other."""
    names = runpy.run_path(str(TEMPLATE / "tests/load/run.py"))["measure"].__globals__
    names |= {"send": lambda _: next(runs), "is_busy": lambda: busy}
    found: dict[str, float] = names["measure"]("127.0.0.1:8000")
    return found


def test_a_busy_machine_is_measured_again() -> None:
    assert measure(iter([BAD, SELDOM, GOOD]), busy=True) == {"list orders": 0.5}


@pytest.mark.parametrize(("busy", "runs"), [(True, 3), (False, 1)])
def test_what_fails_each_time_or_without_an_excuse_is_an_error(busy: bool, runs: int) -> None:
    results = iter([BAD] * runs + [GOOD])
    with pytest.raises(SystemExit, match="1 requests failed, such as calibration: 503"):
        measure(results, busy)
    assert next(results) is GOOD, "it was measured as often as it may be"


def test_what_was_measured_too_seldom_is_in_no_baseline() -> None:
    with pytest.raises(SystemExit, match="measured too seldom: pay an order"):
        measure(iter([SELDOM]), busy=False)

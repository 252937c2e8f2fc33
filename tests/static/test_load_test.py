"""The load test: what fails on a busy machine is measured again, and only there."""

import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
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


HOST = "127.0.0.1:8000"


def load_test(runs: Iterator[dict[str, Any]], busy: bool = False) -> dict[str, Any]:
    """Return what the load test defines, with these results of one run after the other."""
    names: dict[str, Any] = runpy.run_path(str(TEMPLATE / "tests/load/run.py"))[
        "measure"
    ].__globals__
    names |= {"send": lambda _: next(runs), "is_busy": lambda: busy}
    return names


def measure(runs: Iterator[dict[str, Any]], busy: bool) -> dict[str, float]:
    found: dict[str, float] = load_test(runs, busy)["measure"](HOST)
    return found


def listed_in(milliseconds: float) -> dict[str, Any]:
    """Return the result of a run in which the list took so long, and the calibration 10 ms."""
    return GOOD | {"milliseconds": {"calibration": 10.0, "list orders": milliseconds}}


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


@pytest.mark.parametrize(("busy", "kept"), [(True, 0.9), (False, 0.5)])
def test_a_baseline_of_a_busy_machine_is_the_higher_of_two(busy: bool, kept: float) -> None:
    found = load_test(iter([listed_in(5), listed_in(9)]), busy)["record"](HOST)
    assert found == {"list orders": kept}


def test_what_is_slower_once_is_measured_again() -> None:
    results = iter([listed_in(9), listed_in(5), GOOD])
    found = load_test(results)["compare"](HOST, {"list orders": 0.5})
    assert found == ({"list orders": 0.5}, [])
    assert next(results) is GOOD, "it was measured as often as it had to be"


def test_what_is_slower_each_time_is_slower() -> None:
    results = iter([listed_in(9), listed_in(8), listed_in(9)])
    now, problems = load_test(results)["compare"](HOST, {"list orders": 0.5})
    assert now == {"list orders": 0.8}
    assert problems == ["list orders: 0.8 times the calibration, 0.5 in the baseline"]


def test_another_set_of_requests_is_said_at_once() -> None:
    results = iter([GOOD, GOOD])
    _, problems = load_test(results)["compare"](HOST, {"read an order": 0.5})
    assert len(problems) == 2
    assert next(results) is GOOD


DESCRIBE = "from tests.journeys import described; print(*described().create())"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("def advance", "def advanced"), "has no advance: "),
        (lambda text: text.replace("TABLE, KEY", "TABLES, KEYS"), "has no KEY, TABLE: "),
        (None, "There is no journey.py, which "),
    ],
)
def test_an_incomplete_journey_is_refused(
    tmp_path: Path, edit: Callable[[str], str] | None, said: str
) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("journey.py", "tests/__init__.py", "tests/journeys.py"):
        shutil.copy(TEMPLATE / name, tmp_path / name)
    command = [sys.executable, "-c", DESCRIBE]
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert asked.stdout.startswith("POST /api/v1/"), asked.stderr
    journey = tmp_path / "journey.py"
    if edit is None:
        journey.unlink()
    else:
        journey.write_text(edit(journey.read_text()))
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert asked.returncode == 1
    assert said in asked.stderr
    assert len(asked.stderr.splitlines()) == 1

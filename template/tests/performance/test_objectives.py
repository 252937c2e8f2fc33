"""What is promised is the same in Prometheus and in the tests."""

import re
from pathlib import Path

import pytest

from tests.performance.verdict import read_objectives

RULES = Path("infrastructure/prometheus/rules/error-budget.yml")


def budgets() -> dict[str, float]:
    """Return the share that each objective promises, as the rules say it."""
    found = re.findall(r"slo: (\w+)}\s+expr: vector\(1 - (0\.\d+)\)", RULES.read_text())
    return {name: float(share) for name, share in found}


def test_the_shares_are_those_of_the_rules() -> None:
    objectives = read_objectives()
    wanted = {"availability": objectives.availability, "latency": objectives.latency}
    assert budgets() == pytest.approx(wanted)


def test_the_seconds_are_those_of_the_rules() -> None:
    buckets = re.findall(r'le="([0-9.]+)"', RULES.read_text())
    assert buckets
    assert {float(bucket) for bucket in buckets} == {read_objectives().seconds}

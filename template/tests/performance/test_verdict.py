"""The verdict is what the requests deserve, on a machine at rest and on a busy one."""

import pytest

from tests.performance.profiles import NAMES, Demand, Phase, phase_at, phases_of, seconds_in
from tests.performance.verdict import (
    Measured,
    Objectives,
    Request,
    Verdict,
    figures_of,
    grown,
    highest_rate,
    judge,
)

OBJECTIVES = Objectives(availability=0.999, latency=0.99, seconds=0.5, memory_growth=0.2)
STEADY = Phase("steady", 10, 100, Demand.OBJECTIVES)
OVERLOAD = Phase("spike", 10, 100, Demand.ORDER)


def requests(
    number: int = 1000,
    *,
    phase: int = 0,
    milliseconds: float = 20,
    status: int = 200,
    says_when: bool = False,
    started: float = 0,
) -> list[Request]:
    """Some requests that all go the same way, ten a second."""
    return [
        Request(phase, "read", started + each / 10, milliseconds, status, says_when)
        for each in range(number)
    ]


def quiet(*made: Request) -> Measured:
    return Measured(made, [], busy=False)


def verdict(measured: Measured, *phases: Phase) -> Verdict:
    return judge(phases or (STEADY,), measured, OBJECTIVES)


def test_what_is_kept_is_kept() -> None:
    made = requests(989) + requests(10, milliseconds=501) + requests(1, status=504)
    assert verdict(quiet(*made)) == Verdict()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (requests(989) + requests(11, milliseconds=501), "98.9 % of 1000 requests within 0.5"),
        (requests(998) + requests(2, status=504), "99.8 % of 1000 requests without an error"),
        (requests(999) + requests(1, status=404), '"read": 404'),
        (requests(999) + requests(1, status=500), '"read": 500'),
        (requests(999) + requests(1, status=503), '"read": 503'),
        (requests(999) + requests(1, status=0), '"read": no answer'),
        (requests(899), "899 of 1000 requests could be made in time"),
        ([], "0 of 1000 requests could be made in time"),
    ],
)
def test_what_is_not_kept_is_said(made: list[Request], reason: str) -> None:
    found = verdict(quiet(*made))
    (sentence,) = found.wrong
    assert reason in sentence
    assert found.unclear == ()


def test_an_overload_may_be_refused_properly() -> None:
    refused = requests(300, status=503, says_when=True) + requests(300, status=429, says_when=True)
    made = refused + requests(300, status=504, milliseconds=9000)
    assert verdict(quiet(*made), OVERLOAD) == Verdict()
    assert verdict(quiet(*made, *requests(1, status=500)), OVERLOAD).wrong
    assert verdict(quiet(*made, *requests(1, status=502)), OVERLOAD).wrong


def test_a_warm_up_does_not_count() -> None:
    warm_up = Phase("warm-up", 10, 100, Demand.NOTHING)
    made = requests(status=500) + requests(phase=1)
    assert verdict(quiet(*made), warm_up, STEADY) == Verdict()


def busy(made: list[Request], late_until: float) -> Measured:
    """A busy machine, on which readiness is late from the start until so many seconds after it."""
    readiness = [(each / 4, 400.0 if each / 4 < late_until else 5.0) for each in range(400)]
    return Measured(made, readiness, busy=True)


def test_moments_in_which_readiness_is_late_are_left_out_on_a_busy_machine() -> None:
    made = requests(300, milliseconds=900) + requests(700, started=30)
    assert verdict(busy(made, late_until=30)) == Verdict()
    at_rest = busy(made, late_until=30)
    assert verdict(Measured(at_rest.requests, at_rest.readiness, busy=False)).wrong


def test_what_is_late_while_readiness_is_not_is_late_on_a_busy_machine_too() -> None:
    made = requests(500) + requests(500, started=50, milliseconds=600)
    (sentence,) = verdict(busy(made, late_until=30)).wrong
    assert "requests within 0.5 seconds" in sentence


def test_nobody_can_tell_what_a_machine_without_a_calm_moment_does() -> None:
    found = verdict(busy(requests(milliseconds=900), late_until=100))
    assert found.wrong == ()
    assert "readiness itself was late at all but 0 of 1000" in found.unclear[0]
    assert "100 of 1000 requests could" in verdict(busy(requests(100), late_until=100)).unclear[0]


def test_nothing_is_left_out_that_is_not_in_order() -> None:
    made = requests(999) + requests(1, status=500)
    assert '"read": 500' in verdict(busy(made, late_until=100)).wrong[0]


def test_figures_are_those_of_a_phase() -> None:
    made = [Request(1, "read", 0, float(each), 200) for each in range(1, 101)]
    _, figures = figures_of([OVERLOAD, STEADY], quiet(*made, *requests(7, phase=0)))
    assert (figures.requests, figures.errors, figures.rate) == (100, 0, 1.0)
    assert (figures.p50, figures.p95, figures.p99) == (50, 95, 99)


def test_the_highest_rate_is_that_before_the_first_step_that_breaks() -> None:
    rates = [Phase("step", rate, 80, Demand.ORDER) for rate in (10, 11, 12)]
    good = [request for index in range(3) for request in requests(phase=index)]
    assert highest_rate(rates, quiet(*good), OBJECTIVES) == 12
    slow = requests(phase=0) + requests(phase=1, milliseconds=800) + requests(phase=2)
    assert highest_rate(rates, quiet(*slow), OBJECTIVES) == 10
    assert highest_rate(rates, quiet(), OBJECTIVES) is None


def test_memory_may_grow_by_a_share() -> None:
    before = {"business_api": 100.0 * 2**20, "data_postgres_api": 100.0 * 2**20}
    after = {"business_api": 120.0 * 2**20, "data_postgres_api": 121.0 * 2**20}
    (sentence,) = grown(before, after, OBJECTIVES)
    assert sentence == (
        "data_postgres_api: 121 MB at the end, 100 MB at the start, and 20 % more are allowed"
    )


@pytest.mark.parametrize("profile", NAMES)
def test_each_profile_warms_up_and_ends_with_the_objectives(profile: str) -> None:
    phases = phases_of(profile, 60)
    assert phases[0].demand is Demand.NOTHING
    assert phases[-1].demand is Demand.OBJECTIVES
    whole = sum(phase.seconds for phase in phases)
    assert phase_at(phases, 0) == 0
    assert phase_at(phases, whole - 0.1) == len(phases) - 1
    assert phase_at(phases, whole) is None


def test_a_profile_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match='no profile "peak", only load, stress, spike, soak'):
        phases_of("peak")


def test_a_duration_has_a_unit() -> None:
    assert [seconds_in(text) for text in ("90s", "30m", "2h")] == [90, 1800, 7200]
    for text in ("", "m", "0m", "10", "-1m", "1.5h", "2d"):
        with pytest.raises(ValueError, match="is no duration such as 90s"):
            seconds_in(text)

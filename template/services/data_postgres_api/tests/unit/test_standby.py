"""How old what the standby shows may be, from positions in the log of both nodes."""

import pytest

from data_postgres_api.standby import Freshness


@pytest.fixture
def freshness() -> Freshness:
    return Freshness(max_lag=2)


def test_nothing_is_known_at_first(freshness: Freshness) -> None:
    assert not freshness.is_enough(0)
    freshness.note(0, 100)
    assert not freshness.is_enough(0)


def test_a_standby_that_has_all_is_fresh_until_the_next_note_is_due(freshness: Freshness) -> None:
    freshness.note(10, 100)
    freshness.reached(100)
    assert freshness.is_enough(12)
    assert not freshness.is_enough(12.1)


def test_a_standby_is_as_old_as_the_newest_note_that_it_has_reached(freshness: Freshness) -> None:
    for second in range(4):
        freshness.note(second, 100 * second)
    freshness.reached(199)
    assert freshness.is_enough(3)
    assert not freshness.is_enough(3.1)
    freshness.reached(300)
    assert freshness.is_enough(5)


def test_a_standby_that_stands_still_is_given_up_and_comes_back(freshness: Freshness) -> None:
    freshness.note(0, 100)
    freshness.reached(100)
    for tick in range(1, 100):
        freshness.note(tick / 2, 100 + tick)
        freshness.reached(100)
    assert not freshness.is_enough(50)
    freshness.reached(199)
    assert freshness.is_enough(50)


def test_when_nothing_is_written_a_standby_stays_fresh(freshness: Freshness) -> None:
    for tick in range(100):
        freshness.note(tick, 100)
        freshness.reached(100)
        assert freshness.is_enough(tick + 1)


def test_of_another_node_nothing_is_known(freshness: Freshness) -> None:
    freshness.note(0, 100)
    freshness.reached(100)
    freshness.note(1, 200)
    freshness.forget()
    freshness.reached(300)
    assert not freshness.is_enough(1)

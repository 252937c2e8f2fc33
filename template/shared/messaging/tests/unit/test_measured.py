"""Attempts at messages are counted by how they ended."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from messaging.measured import measured
from messaging.reader import Delivery, Outcome


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def delivery(queue: str) -> Delivery:
    sent_at = datetime.now(UTC) - timedelta(minutes=2)
    return Delivery(queue, "note.written.v1", "message-7", sent_at, {})


def test_how_it_ended_and_how_old_it_was() -> None:
    for outcome in (Outcome.DONE, Outcome.DONE, Outcome.DEAD_LETTERED):
        one = delivery("ended")
        with measured(one):
            assert value("messages_in_work", queue="ended") == 1
            one.outcome = outcome
    assert value("messages_in_work", queue="ended") == 0
    assert value("messages_seconds_count", queue="ended", outcome="done") == 2
    assert value("messages_seconds_count", queue="ended", outcome="dead-lettered") == 1
    assert value("messages_age_seconds_count", queue="ended") == 3
    assert value("messages_age_seconds_bucket", queue="ended", le="60.0") == 0
    assert value("messages_age_seconds_bucket", queue="ended", le="300.0") == 3


def test_what_was_broken_off_is_counted_too() -> None:
    with pytest.raises(ConnectionError), measured(delivery("broken")):
        raise ConnectionError
    assert value("messages_seconds_count", queue="broken", outcome="broken off") == 1
    assert value("messages_in_work", queue="broken") == 0

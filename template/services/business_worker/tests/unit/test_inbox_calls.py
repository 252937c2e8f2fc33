"""What the worker asks of the inbox, and what becomes of an answer."""

import pytest

from business_worker import inbox
from business_worker.inbox import InboxGateway
from business_worker.testing import DataService
from chassis.errors import Unavailable
from contracts.inbox import Forgotten


async def test_messages_are_forgotten_a_part_at_a_time() -> None:
    data_service = DataService(Forgotten(messages=5000), Forgotten(messages=12))
    assert await InboxGateway(data_service).forget(days=30) == "5012 messages"
    assert data_service.asked == [("DELETE", "/api/v1/inbox", {"days": 30, "limit": 5000})] * 2


async def test_a_data_service_that_starts_at_the_same_time_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "BETWEEN_SECONDS", 0.01)
    away = Unavailable("It is away.")
    comes_later = DataService(away, away, Forgotten(messages=1))
    assert await InboxGateway(comes_later).forget(days=30) == "1 messages"
    monkeypatch.setattr(inbox, "AWAY_SECONDS", 0)
    with pytest.raises(Unavailable):
        await InboxGateway(DataService(away)).forget(days=30)

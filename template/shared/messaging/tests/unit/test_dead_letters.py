"""What an operator types and reads about messages that were dead-lettered."""

import sys
from collections.abc import AsyncIterator

import pytest

from chassis.errors import Unavailable
from messaging.dead_letters import __main__ as command
from messaging.dead_letters.queue import reason_of
from messaging.settings import RabbitSettings


async def some(
    _: RabbitSettings, queue: str, limit: int | None, *, requeue: bool
) -> AsyncIterator[tuple[str, str]]:
    if queue == "away":
        raise Unavailable("RabbitMQ at rabbitmq:5672 cannot be reached.")
    if queue == "missing":
        raise LookupError("There is no queue missing with dead letters.")
    for number in range(limit or 2):
        yield f"id-{number}", "No tea." if requeue else "No water."


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (["tea"], 0, "id-0  No water.\nid-1  No water.\ntea: 2 messages are dead-lettered\n"),
        (["tea", "--requeue", "--limit", "1"], 0, "id-0  No tea.\ntea: 1 messages were put back\n"),
        (["away"], 1, "RabbitMQ at rabbitmq:5672 cannot be reached.\n"),
        (["missing"], 1, "There is no queue missing with dead letters.\n"),
    ],
)
def test_what_is_done_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("RABBITMQ_PASSWORD", "test")
    monkeypatch.setattr(command, "dead_letters", some)
    monkeypatch.setattr(sys, "argv", ["dead_letters", *typed])
    assert command.main() == code
    found = capsys.readouterr()
    assert found.err + found.out == said


def test_the_reason_is_that_of_the_reader_or_of_rabbitmq() -> None:
    assert reason_of({"x-reason": "No tea."}) == "No tea."
    assert "ended, again and again" in reason_of({"x-delivery-count": 20})

"""A worker that counts notes, as a process: `python -m tests.chaos.note_worker`."""

from typing import Any

from business_worker import main
from business_worker.settings import NAME
from chassis.client import ServiceClient
from chassis.modules import find_hooks
from chassis.process import run
from contracts.base import Contract
from messaging.reader import Subscription
from tests.notes.event_contracts import NoteWritten

COUNTS = "/api/v1/test-counts"
QUEUE = "test_notes"


class Counted(Contract):
    """Whether a message had its effect for the first time."""

    is_first: bool


def subscriptions(client: ServiceClient) -> list[Subscription[Any]]:
    """Return what counts each note under the ID of its event."""

    async def count(event: NoteWritten) -> None:
        path = f"{COUNTS}/{event.note_id}/messages/{event.id}"
        await client.call("PUT", path, Counted)

    return [Subscription(QUEUE, NoteWritten, count)]


if __name__ == "__main__":
    main.find_subscriptions = subscriptions
    run(NAME, main.work, *find_hooks(NAME, "features", "prepare"))

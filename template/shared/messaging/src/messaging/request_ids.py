"""A message belongs to the request in which its event happened: the log lines bear its id."""

from collections.abc import Iterator
from contextlib import contextmanager

from chassis.request_id import REQUEST_ID_HEADER, as_part_of_request
from messaging.reader import Delivery


@contextmanager
def with_request_id(delivery: Delivery) -> Iterator[None]:
    """Handle a message under the id of that request, or under its own where there is none."""
    with as_part_of_request(delivery.headers.get(REQUEST_ID_HEADER) or delivery.message_id):
        yield


PHASE = 3
around = with_request_id

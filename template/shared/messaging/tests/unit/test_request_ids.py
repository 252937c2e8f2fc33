"""Log lines of a message bear the id of the request in which its event happened."""

from chassis.request_id import REQUEST_ID_HEADER, current_request_id, request_id_headers
from messaging.reader import Delivery
from messaging.request_ids import with_request_id


def delivery(**headers: str) -> Delivery:
    return Delivery("notes", "note.written.v1", "message-7", None, headers)


def test_a_message_is_part_of_its_request() -> None:
    with with_request_id(delivery(**{REQUEST_ID_HEADER: "request-1"})):
        assert current_request_id() == "request-1"
        # And so is what it makes others do.
        assert request_id_headers() == {REQUEST_ID_HEADER: "request-1"}
    assert current_request_id() is None


def test_without_a_request_its_own_id_is_taken() -> None:
    with with_request_id(delivery()):
        assert current_request_id() == "message-7"


def test_what_could_end_a_log_line_is_replaced() -> None:
    with with_request_id(delivery(**{REQUEST_ID_HEADER: "a\nb"})):
        assert current_request_id() not in {None, "a\nb"}

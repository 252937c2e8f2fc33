"""The contract of tickets refuses what must not cross a service boundary."""

import pytest
from pydantic import ValidationError

from contracts.tickets import NewTicket


@pytest.mark.parametrize("change", [{"title": ""}, {"priority": 6}, {"colour": "green"}])
def test_a_ticket_refuses(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NewTicket.model_validate({"title": "Printer"} | change)

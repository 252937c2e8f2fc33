"""What every event has, and the document that describes all events."""

from pathlib import Path

import pytest

import contracts
from contracts.asyncapi import all_events, document, text


def test_the_document_of_the_project_is_up_to_date() -> None:
    written = Path(__file__).parents[4] / "docs/asyncapi.json"
    assert written.read_text() == text(), "run: make events"


def test_an_event_is_found_by_its_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(all_events())
    (tmp_path / "parcel_events.py").write_text(
        "from typing import Literal\n"
        "from contracts.events import Event\n"
        "class ParcelEvent(Event):\n"
        "    version: Literal[3] = 3\n"
        "class ParcelSent(ParcelEvent):\n"
        "    type: Literal['parcel.sent'] = 'parcel.sent'\n"
    )
    monkeypatch.setattr(contracts, "__path__", [*contracts.__path__, str(tmp_path)])
    added = all_events()[before:]
    assert [event.routing_key() for event in added] == ["parcel.sent.v3"]
    assert "parcel.sent.v3" in document()["channels"]
    event = added[0].model_validate({})
    assert added[0].model_validate_json(event.model_dump_json()) == event
    assert added[0].model_validate({}).id != event.id

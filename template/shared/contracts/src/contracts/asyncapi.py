"""Describes the events in the words of AsyncAPI 3: `make events` writes docs/asyncapi.json."""

import json
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

import contracts
from contracts.events import EXCHANGE, Event

REFERENCE = "#/components/schemas/{model}"


def events_below(event: type[Event]) -> Iterator[type[Event]]:
    """Yield the events derived from `event` that can be published: those with a type."""
    for derived in event.__subclasses__():
        if isinstance(derived.model_fields["type"].default, str):
            yield derived
        yield from events_below(derived)


def all_events() -> list[type[Event]]:
    """Return every event of the contracts, in the order of their modules and lines."""
    for module in pkgutil.iter_modules(contracts.__path__, "contracts."):
        import_module(module.name)
    found = events_below(Event)
    return [event for event in found if event.__module__.startswith("contracts.")]


def document() -> dict[str, Any]:
    """Return the document: a channel for each event, named by its routing key."""
    events = all_events()
    _, schemas = models_json_schema(
        [(event, "serialization") for event in events], ref_template=REFERENCE
    )
    exchange = {"name": EXCHANGE, "type": "topic", "durable": True}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Events", "version": "1.0.0"},
        "defaultContentType": "application/json",
        "channels": {
            event.routing_key(): {
                "address": event.routing_key(),
                "messages": {event.__name__: _reference("messages", event.__name__)},
                "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
            }
            for event in events
        },
        "operations": {
            f"publish{event.__name__}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{event.routing_key()}"},
                "summary": event.__doc__,
            }
            for event in events
        },
        "components": {
            "messages": {
                event.__name__: {
                    "contentType": "application/json",
                    "payload": _reference("schemas", event.__name__),
                }
                for event in events
            },
            "schemas": schemas.get("$defs", {}),
        },
    }


def text() -> str:
    """Return the document as it is written to the file."""
    return json.dumps(document(), indent=2) + "\n"


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text())

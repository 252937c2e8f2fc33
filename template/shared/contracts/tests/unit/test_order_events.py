"""The events of orders, as their consumers receive them."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from pydantic import ValidationError

from contracts.asyncapi import all_events, document
from contracts.money import Money, Price
from contracts.order_events import OrderPlaced, OrderState
from contracts.orders import OrderLine, OrderStatus

ORDER = OrderState(
    id=uuid4(),
    customer_id="customer-1",
    status=OrderStatus.PLACED,
    total=Money(amount=Decimal("9.00"), currency="EUR"),
    version=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    lines=(
        OrderLine(sku="TEA", quantity=2, unit_price=Price(amount=Decimal("4.50"), currency="EUR")),
    ),
)


def test_an_event_comes_out_as_it_went_in() -> None:
    event = OrderPlaced(order=ORDER)
    assert OrderPlaced.model_validate_json(event.model_dump_json()) == event
    assert OrderPlaced(order=ORDER).id != event.id


def test_another_event_or_version_is_refused() -> None:
    sent = OrderPlaced(order=ORDER).model_dump(mode="json")
    for change in ({"type": "order.paid"}, {"version": 2}):
        with pytest.raises(ValidationError):
            OrderPlaced.model_validate(sent | change)


def test_what_a_newer_sender_adds_is_left_out() -> None:
    sent = OrderPlaced(order=ORDER).model_dump(mode="json")
    sent["order"]["gift"] = True
    assert OrderPlaced.model_validate(sent | {"more": 1}).order == ORDER


def test_each_event_has_a_routing_key_of_its_own() -> None:
    keys = [event.routing_key() for event in all_events()]
    assert {"order.placed.v1", "order.paid.v1", "order.cancelled.v1"} <= set(keys)
    assert len(set(keys)) == len(keys)


def test_the_document_describes_the_events() -> None:
    described = document()
    assert {"order.placed.v1", "order.cancelled.v1"} <= described["channels"].keys()
    schemas = described["components"]["schemas"]
    assert schemas["OrderPlaced"]["properties"]["type"]["const"] == "order.placed"
    assert {"id", "order", "occurred_at"} <= schemas["OrderPlaced"]["properties"].keys()

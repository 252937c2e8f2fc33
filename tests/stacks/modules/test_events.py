"""RabbitMQ: every event is published, whatever is killed meanwhile, and nothing else is."""

import time

from tests.stacks.modules.shop import LINE, Shop
from tests.support.http import call, eventually


def test_an_order_from_before_is_there_and_was_not_published(shop: Shop) -> None:
    assert call("GET", f"{shop.stack.business}/api/v1/orders/{shop.first}").status == 200
    assert call("GET", f"{shop.stack.business}/hello/ada").json == "ada"
    assert shop.heard() == []


def test_the_events_of_an_order_are_published_in_their_order(shop: Shop) -> None:
    order = shop.place()
    url = f"{shop.stack.business}/api/v1/orders/{order}"
    assert call("POST", f"{url}/pay").status == 200
    eventually(lambda: shop.outbox() == 0)
    heard = shop.heard()
    assert [(each["type"], each["order"]["version"]) for each in heard] == [
        ("order.placed", 1),
        ("order.paid", 2),
    ]
    assert {each["order"]["id"] for each in heard} == {order}


def test_a_refused_order_is_not_published(shop: Shop) -> None:
    refused = call("POST", f"{shop.stack.business}/api/v1/orders", {"lines": []})
    assert refused.status == 422
    order = shop.place()
    eventually(lambda: shop.outbox() == 0)
    assert [each["order"]["id"] for each in shop.heard()] == [order]


def test_orders_are_taken_while_the_broker_is_away_and_published_later(shop: Shop) -> None:
    shop.stack.kill("rabbitmq")
    placed = [shop.place() for _ in range(5)]
    eventually(lambda: "nothing is published" in shop.stack.printed("outbox_relay"))
    assert shop.outbox() == 5
    shop.stack.start("rabbitmq")
    eventually(lambda: shop.outbox() == 0)
    assert [each["order"]["id"] for each in shop.heard()] == placed


def test_a_killed_relay_loses_nothing(shop: Shop) -> None:
    placed = []
    for _ in range(3):
        placed += [shop.place() for _ in range(10)]
        shop.stack.kill("outbox_relay")
        placed += [shop.place() for _ in range(10)]
        shop.stack.start("outbox_relay")
    eventually(lambda: shop.outbox() == 0)
    heard = {each["id"]: each["order"]["id"] for each in shop.heard()}
    assert sorted(heard.values()) == sorted(placed)


def test_a_relay_ends_on_sigterm(shop: Shop) -> None:
    begin = time.monotonic()
    shop.stack.stop("outbox_relay", timeout=20)
    assert time.monotonic() - begin < 10
    shop.stack.start("outbox_relay")


def test_make_queues_shows_queues_and_outbox(shop: Shop) -> None:
    # A relay that was killed publishes some events twice.
    eventually(lambda: shop.outbox() == 0 and shop.heard() == [])
    shop.stack.stop("outbox_relay")
    shop.place(LINE)
    # The broker's count is up to five seconds old.
    eventually(lambda: "listener\tquorum\t0" in shop.make("queues").stdout)
    assert "in the outbox: 1" in shop.make("queues").stdout
    shop.stack.start("outbox_relay")

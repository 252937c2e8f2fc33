"""Workers: each event has its effect, and has it once, whatever is killed meanwhile."""

import re
import time
from functools import partial

from tests.stacks.modules.shop import LINE, Shop
from tests.support.http import call, eventually
from tests.support.matrix import FULL

# An article that only these tests order.
TEA = {**LINE, "sku": "TEA-500"}
# New events, those of them that come twice, and messages that are not events.
NEW, TWICE, POISON = (9_000, 900, 100) if FULL else (1_500, 150, 20)
# How often the worker is killed, and how many messages it may be at then.
KILLS, AT_ONCE = 2, 10


def test_an_order_is_counted(shop: Shop) -> None:
    assert shop.sold("TEA-500") == (0, 0)
    shop.place(TEA)
    shop.place(TEA, {**TEA, "quantity": 1})
    eventually(lambda: shop.sold("TEA-500") == (5, 2))
    listed = call("GET", f"{shop.stack.data}/api/v1/sales")
    assert {"sku": "TEA-500", "quantity": 5, "orders": 2} in listed.json["items"]


def test_an_order_from_before_was_not_counted(shop: Shop) -> None:
    placed = int(shop.stack.sql("SELECT count(*) FROM orders"))
    eventually(lambda: shop.sold("%")[1] == placed - 1)


def test_the_worker_waits_for_a_data_service_that_is_away(shop: Shop) -> None:
    pieces, orders = shop.sold("TEA-500")
    shop.stack.stop("business_worker", timeout=0)
    shop.place(TEA)
    # The event is queued, and the worker comes when the data service is gone.
    eventually(lambda: shop.queued()["business_worker.sales"] == 1)
    shop.stack.stop("data_postgres_api", timeout=0)
    shop.stack.start("business_worker")
    waits = "waits in business_worker.sales.retry.1s"
    eventually(lambda: waits in shop.stack.printed("business_worker"), seconds=30)
    shop.stack.start("data_postgres_api")
    eventually(lambda: shop.sold("TEA-500") == (pieces + 2, orders + 1), seconds=90)


def test_each_message_has_its_effect_once_whatever_is_killed(shop: Shop) -> None:
    """A worker is killed twice in the middle of its messages, and once it is asked to stop."""
    shop.publish(NEW, TWICE, POISON)
    for number in range(3):
        some = shop.sold("BULK-%")[1] + 300
        eventually(partial(shop.has_counted, some), seconds=60)
        if number < 2:
            shop.stack.kill("business_worker")
        else:
            begin = time.monotonic()
            shop.stack.stop("business_worker", timeout=30)
            assert time.monotonic() - begin < 15, "it was killed after all"
        assert not shop.has_counted(NEW), "it was killed too late to tell anything"
        shop.stack.start("business_worker")
    # The worker may still have a message when the broker's counts say none.
    dead = "business_worker.sales.dead"
    eventually(lambda: shop.is_idle() and shop.queued()[dead] >= POISON, seconds=240)
    # A copy waits there before the message is acknowledged, so a kill in between leaves two of one.
    assert shop.queued()[dead] <= POISON + KILLS * AT_ONCE
    assert shop.sold("BULK-%") == (3 * NEW, NEW)
    known = "SELECT count(*) FROM inbox WHERE consumer = 'sales'"
    assert int(shop.stack.sql(known)) == shop.sold("%")[1]


def test_a_killed_broker_loses_nothing(shop: Shop) -> None:
    before = shop.sold("BULK-%")[1]
    shop.stack.restart("business_worker", timeout=30)
    shop.publish(1_000, 0, 0)
    eventually(partial(shop.has_counted, before + 100), seconds=60)
    shop.stack.kill("rabbitmq")
    assert shop.sold("BULK-%")[1] < before + 1_000, "it was killed too late to tell anything"
    eventually(lambda: "RabbitMQ is away" in shop.stack.printed("business_worker"), seconds=60)
    shop.stack.start("rabbitmq")
    eventually(lambda: shop.sold("BULK-%")[1] == before + 1_000, seconds=120)


def test_dead_letters_are_shown_with_the_reason_and_requeued(shop: Shop) -> None:
    shown = shop.make("dead-letters").stdout
    assert "It is no OrderPlaced" in shown
    found = re.search(r"(\d+) messages are dead-lettered", shown)
    assert found is not None
    number = int(found[1])
    assert number >= POISON
    # They are as bad as before, so they come again.
    assert f"{number} messages were put back" in shop.make("requeue").stdout
    eventually(lambda: shop.queued()["business_worker.sales.dead"] == number, seconds=60)
    missing = shop.make("requeue", "QUEUE=business_worker.refunds")
    assert missing.returncode != 0
    assert "There is no queue business_worker.refunds" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_tasks_are_listed_started_and_cancelled(shop: Shop) -> None:
    shop.stack.sql("UPDATE inbox SET received_at = now() - interval '31 days'")
    started = shop.make("task", "NAME=forget_messages")
    assert started.returncode == 0, started.stderr
    done = re.compile(r"forget_messages  done .*  \d+ messages$", re.MULTILINE)
    eventually(lambda: done.search(shop.make("tasks").stdout) is not None)
    assert shop.stack.sql("SELECT count(*) FROM inbox") == "0"
    refused = shop.make("task", "NAME=forget")
    assert refused.returncode != 0
    assert 'There is no task "forget". There are: forget_messages.' in refused.stderr
    refused = shop.make("task-cancel", "ID=99")
    assert "There is no task number 99." in refused.stderr

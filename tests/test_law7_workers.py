"""Law 7 for workers: whatever is killed meanwhile, each event has its effect, and has it once.

One project lives through the file: level 1 with an edit of the team, to which the module is added
over its volume, and from which it is taken away again.
"""

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from extensions.stages import Combination
from tests.support.docker import Stack, require_docker, stack
from tests.support.http import call, eventually
from tests.support.project import start

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
ORDER = {"lines": [LINE]}
OURS = """

@app.get("/hello/{name}")
async def hello(name: str) -> str:
    return name
"""
# Runs in a container of the project: events as the relay publishes them, some of them twice, and
# among them what is no event at all.
PUBLISH = """
import asyncio, random, sys
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4
from chassis.settings import read_settings
from contracts.events import OrderPlaced, OrderState
from contracts.money import Money, Price
from contracts.orders import OrderLine, OrderStatus
from messaging.publisher import Outgoing, publisher
from messaging.settings import RabbitSettings

NEW, TWICE, POISON = map(int, sys.argv[1:])
PRICE = {"amount": Decimal("1.00"), "currency": "EUR"}

def event(number):
    line = OrderLine(sku=f"BULK-{number % 7}", quantity=3, unit_price=Price(**PRICE))
    order = OrderState(
        id=uuid4(), customer_id="bulk", status=OrderStatus.PLACED, lines=(line,),
        total=Money(amount=Decimal("3.00"), currency="EUR"), version=1,
        created_at=datetime.now(UTC),
    )
    told = OrderPlaced(order=order)
    return Outgoing(told.id, told.routing_key(), told.model_dump_json())

async def main():
    events = [event(number) for number in range(NEW)]
    key = OrderPlaced.routing_key()
    bad = ["no json", "[]", "{}", '{"type": "order.placed"}']
    poison = [Outgoing(uuid4(), key, bad[number % len(bad)]) for number in range(POISON)]
    messages = events + events[:TWICE] + poison
    random.Random(7).shuffle(messages)
    async with publisher(read_settings(RabbitSettings), "bulk") as publish:
        for begin in range(0, len(messages), 200):
            await asyncio.gather(*(publish(each) for each in messages[begin : begin + 200]))
    print(len(messages), "published")

asyncio.run(main())
"""


@dataclass(frozen=True)
class Shop:
    """The running system."""

    stack: Stack

    def place(self, order: object = ORDER) -> str:
        placed = call("POST", f"{self.stack.business}/api/v1/orders", order)
        assert placed.status == 201, placed
        return str(placed.json["id"])

    def sold(self, sku: str) -> tuple[int, int]:
        """How many pieces of an article the worker has counted, and in how many orders."""
        found = self.stack.sql(f"SELECT quantity, orders FROM sales WHERE sku LIKE '{sku}'")
        rows = [line.split("|") for line in found.split()]
        return sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows)

    def has_counted(self, orders: int) -> bool:
        """Whether so many orders of those that come in bulk are counted."""
        return self.sold("BULK-%")[1] >= orders

    def waits(self) -> dict[str, int]:
        """How many messages are in each queue."""
        listed = self.stack.compose(
            "exec", "-T", "rabbitmq", "rabbitmqctl", "--quiet", "list_queues", "name", "messages"
        )
        return {
            name: int(number)
            for name, number in re.findall(r"^(business_\S+)\t(\d+)", listed, re.M)
        }

    def is_idle(self) -> bool:
        waits = self.waits()
        return all(number == 0 for name, number in waits.items() if not name.endswith(".dead"))

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.stack.project.make(
            "--silent", *arguments, check=False, environment=self.stack.environment
        )

    def logs(self) -> str:
        return "".join(self.stack.lines("business_worker"))

    def publish(self, new: int, twice: int, poison: int) -> None:
        arguments = ("exec", "-T", "business_worker", "python", "-c", PUBLISH)
        said = self.stack.compose(*arguments, str(new), str(twice), str(poison))
        assert f"{new + twice + poison} published" in said


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_docker()
    project = start(tmp_path_factory.mktemp("workers") / "shop", Combination(1))
    project.append("services/business_api/src/business_api/main.py", OURS)
    project.lock()
    project.commit("A route of ours, and the lock")
    # Nobody has to wait for the last pause, which is a minute.
    project.write(".env", "READER_RETRY_SECONDS=[1, 3]\n")
    with stack(project) as running:
        running.up()
        assert call("POST", f"{running.business}/api/v1/orders", ORDER).status == 201
        moved = project.make("upgrade", "MODULE=workers")
        assert "Moved, without a conflict" in moved.stderr
        assert "rabbitmq: false" in project.read(".copier-answers.yml")
        project.commit("Workers")
        running.up()
        found = Shop(running)
        eventually(lambda: "reading events" in found.logs(), seconds=60)
        yield found


def test_an_order_is_counted_and_one_from_before_is_not(shop: Shop) -> None:
    assert shop.sold("TEA-250") == (0, 0)
    shop.place()
    shop.place({"lines": [LINE, LINE | {"quantity": 1}]})
    eventually(lambda: shop.sold("TEA-250") == (5, 2))
    listed = call("GET", f"{shop.stack.data}/api/v1/sales")
    assert listed.json["items"] == [{"sku": "TEA-250", "quantity": 5, "orders": 2}]
    assert call("GET", f"{shop.stack.business}/hello/ada").json == "ada"


def test_a_data_service_that_is_away_is_waited_for(shop: Shop) -> None:
    before = shop.sold("TEA-250")
    shop.place()
    eventually(lambda: shop.sold("TEA-250") == (before[0] + 2, before[1] + 1))
    shop.stack.compose("stop", "--timeout", "0", "business_worker")
    shop.place()
    # The event is in the queue, and whoever has to count it comes when the data service is gone.
    eventually(lambda: shop.waits()["business_worker.sales"] == 1)
    shop.stack.compose("stop", "--timeout", "0", "data_postgres_api")
    shop.stack.compose("start", "business_worker")
    eventually(lambda: "waits in business_worker.sales.retry.1s" in shop.logs(), seconds=30)
    shop.stack.compose("start", "data_postgres_api")
    eventually(lambda: shop.sold("TEA-250") == (before[0] + 4, before[1] + 2), seconds=90)


def test_of_ten_thousand_each_has_its_effect_once_whatever_is_killed(shop: Shop) -> None:
    """A worker is killed twice in the middle of its messages, and once it is told to stop."""
    new, twice, poison = 9_000, 900, 100
    shop.publish(new, twice, poison)
    for number in range(3):
        some = shop.sold("BULK-%")[1] + 300
        eventually(partial(shop.has_counted, some), seconds=60)
        if number < 2:
            shop.stack.compose("kill", "business_worker")
        else:
            begin = time.monotonic()
            shop.stack.compose("stop", "--timeout", "30", "business_worker")
            assert time.monotonic() - begin < 15, "it was killed after all"
        assert not shop.is_idle(), "it was killed too late to tell anything"
        shop.stack.compose("start", "business_worker")
    eventually(shop.is_idle, seconds=240)
    assert shop.sold("BULK-%") == (3 * new, new)
    assert shop.waits()["business_worker.sales.dead"] == poison
    known = "SELECT count(*) FROM inbox WHERE consumer = 'sales'"
    assert int(shop.stack.sql(known)) == new + shop.sold("TEA-250")[1]


def test_a_broker_that_is_killed_loses_nothing(shop: Shop) -> None:
    before = shop.sold("BULK-%")[1]
    shop.stack.compose("stop", "--timeout", "30", "business_worker")
    shop.stack.compose("up", "--detach", "--no-deps", "business_worker")
    eventually(lambda: "reading events" in shop.logs(), seconds=60)
    shop.publish(1_000, 0, 0)
    eventually(partial(shop.has_counted, before + 100), seconds=60)
    shop.stack.compose("kill", "rabbitmq")
    assert shop.sold("BULK-%")[1] < before + 1_000, "it was killed too late to tell anything"
    eventually(lambda: "RabbitMQ is away" in shop.logs(), seconds=60)
    shop.stack.compose("start", "rabbitmq")
    eventually(lambda: shop.sold("BULK-%")[1] == before + 1_000, seconds=120)


def test_dead_letters_are_shown_with_the_reason_and_put_back(shop: Shop) -> None:
    shown = shop.make("dead-letters").stdout
    assert "It is no OrderPlaced" in shown
    assert "100 messages are set aside" in shown
    # They are as bad as before, so they come again.
    assert "100 messages were put back" in shop.make("requeue").stdout
    eventually(lambda: shop.waits()["business_worker.sales.dead"] == 100, seconds=60)
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


def test_without_the_module_the_orders_stay(shop: Shop) -> None:
    project = shop.stack.project
    orders = shop.stack.sql("SELECT id FROM orders ORDER BY id")
    done = project.make("downgrade", "MODULE=workers", environment=shop.stack.environment)
    for table in ("inbox", "sales", "outbox"):
        assert f"Taking away the tables of {table}" in done.stderr
    (backup,) = (project.path / "backups").glob("before-without-workers-*.sql")
    assert "COPY public.sales" in backup.read_text()
    assert not (project.path / "services/business_worker").exists()
    assert not (project.path / "infrastructure/rabbitmq").exists()
    project.commit("Without workers")
    shop.stack.up()
    assert shop.stack.sql("SELECT id FROM orders ORDER BY id") == orders
    assert shop.stack.sql("SELECT to_regclass('sales'), to_regclass('inbox')") == "|"
    assert shop.place()
    running = shop.stack.compose("ps", "--services", "--status", "running").split()
    assert set(running) == {"business_api", "data_postgres_api", "postgres"}

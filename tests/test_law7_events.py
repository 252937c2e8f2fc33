"""Law 7 for RabbitMQ: what has happened is told, whatever is killed meanwhile, and nothing else.

One project lives through the file: level 1 with an order in it and an edit of the team, to which
the module is added over its volume, and from which it is taken away again.
"""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Shop:
    """The running system, and a queue in which somebody hears of all that happens to orders."""

    stack: Stack
    first: str

    def broker(self, method: str, path: str, body: object = None) -> Any:
        """Ask the management API of the broker."""
        settings = dict(
            line.split("=", 1)
            for line in self.stack.project.read(".env").splitlines()
            if "=" in line and not line.startswith("#")
        )
        secret = base64.b64encode(f"app:{settings['RABBITMQ_PASSWORD']}".encode()).decode()
        url = f"{self.stack.url('rabbitmq', 15672)}/api{path}"
        answer = call(method, url, body, headers={"Authorization": f"Basic {secret}"})
        assert answer.status < 300, answer
        return json.loads(answer.text) if answer.text else None

    def listen(self) -> None:
        quorum = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
        self.broker("PUT", "/queues/%2F/listener", quorum)
        self.broker("POST", "/bindings/%2F/e/events/q/listener", {"routing_key": "order.*.v1"})

    def heard(self) -> list[dict[str, Any]]:
        """Take everything out of the queue."""
        ask = {"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"}
        found = self.broker("POST", "/queues/%2F/listener/get", ask)
        return [json.loads(message["payload"]) for message in found]

    def place(self, body: object = ORDER) -> str:
        placed = call("POST", f"{self.stack.business}/api/v1/orders", body)
        assert placed.status == 201, placed
        return str(placed.json["id"])

    def waiting(self) -> int:
        return int(self.stack.sql("SELECT count(*) FROM outbox"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_docker()
    project = start(tmp_path_factory.mktemp("events") / "shop", Combination(1))
    with stack(project) as running:
        running.up()
        placed = call("POST", f"{running.business}/api/v1/orders", ORDER)
        assert placed.status == 201
        project.append("services/business_api/src/business_api/main.py", OURS)
        project.lock()
        project.commit("A route of ours, and the lock")
        moved = project.make("upgrade", "MODULE=rabbitmq")
        assert "Moved, without a conflict" in moved.stderr
        project.commit("RabbitMQ")
        running.up()
        found = Shop(running, placed.json["id"])
        # The relay declares the exchange once the broker has started.
        eventually(lambda: "events" in {each["name"] for each in found.broker("GET", "/exchanges")})
        found.listen()
        yield found


def test_what_was_there_before_is_there_and_is_not_told(shop: Shop) -> None:
    assert call("GET", f"{shop.stack.business}/api/v1/orders/{shop.first}").status == 200
    assert call("GET", f"{shop.stack.business}/hello/ada").json == "ada"
    assert shop.heard() == []


def test_what_happens_to_an_order_is_told_in_its_order(shop: Shop) -> None:
    order = shop.place()
    url = f"{shop.stack.business}/api/v1/orders/{order}"
    assert call("POST", f"{url}/pay").status == 200
    eventually(lambda: shop.waiting() == 0)
    told = shop.heard()
    assert [(each["type"], each["order"]["version"]) for each in told] == [
        ("order.placed", 1),
        ("order.paid", 2),
    ]
    assert {each["order"]["id"] for each in told} == {order}


def test_an_order_that_is_refused_is_not_told(shop: Shop) -> None:
    refused = call("POST", f"{shop.stack.business}/api/v1/orders", {"lines": []})
    assert refused.status == 422
    order = shop.place()
    eventually(lambda: shop.waiting() == 0)
    assert [each["order"]["id"] for each in shop.heard()] == [order]


def test_while_the_broker_is_away_orders_are_taken_and_told_later(shop: Shop) -> None:
    shop.stack.compose("kill", "rabbitmq")
    placed = [shop.place() for _ in range(5)]
    eventually(lambda: "nothing is published" in "".join(shop.stack.lines("outbox_relay")))
    assert shop.waiting() == 5
    shop.stack.compose("start", "rabbitmq")
    eventually(lambda: shop.waiting() == 0)
    assert [each["order"]["id"] for each in shop.heard()] == placed


def test_a_relay_that_is_killed_loses_nothing(shop: Shop) -> None:
    placed = []
    for _ in range(3):
        placed += [shop.place() for _ in range(10)]
        shop.stack.compose("kill", "outbox_relay")
        placed += [shop.place() for _ in range(10)]
        shop.stack.compose("start", "outbox_relay")
    eventually(lambda: shop.waiting() == 0)
    told = {each["id"]: each["order"]["id"] for each in shop.heard()}
    assert sorted(told.values()) == sorted(placed)


def test_a_relay_ends_when_it_is_told_to(shop: Shop) -> None:
    begin = time.monotonic()
    shop.stack.compose("stop", "--timeout", "20", "outbox_relay")
    assert time.monotonic() - begin < 10
    shop.stack.compose("start", "outbox_relay")


def test_the_queues_are_shown(shop: Shop) -> None:
    shop.stack.compose("stop", "outbox_relay")
    shop.place()
    shown = shop.stack.project.make("queues", environment=shop.stack.environment).stdout
    assert "listener\tquorum\t0" in shown
    assert "in the outbox: 1" in shown
    shop.stack.compose("start", "outbox_relay")


# With workers it goes too: test_law7_workers.py.
@pytest.mark.full
def test_without_the_module_the_orders_stay(shop: Shop) -> None:
    project = shop.stack.project
    orders = shop.stack.sql("SELECT id FROM orders ORDER BY id")
    refused = project.make("downgrade", "MODULE=tea", check=False)
    assert 'There is no module "tea"' in refused.stderr
    refused = project.make("downgrade", "MODULE=workers", check=False)
    assert 'The project does not have the module "workers"' in refused.stderr
    # An event that nobody was told of is not dropped unsaid.
    eventually(lambda: shop.waiting() == 0)
    shop.stack.compose("stop", "outbox_relay")
    shop.place()
    orders = shop.stack.sql("SELECT id FROM orders ORDER BY id")
    lost = project.make(
        "downgrade", "MODULE=rabbitmq", check=False, environment=shop.stack.environment
    )
    assert lost.returncode != 0
    assert "1 events wait in the outbox, and would be lost" in lost.stderr
    assert project.git("status", "--porcelain") == ""
    shop.stack.compose("start", "outbox_relay")
    eventually(lambda: shop.waiting() == 0)
    done = project.make("downgrade", "MODULE=rabbitmq", environment=shop.stack.environment)
    assert "Taking away the tables of outbox" in done.stderr
    backup = max((project.path / "backups").glob("before-without-rabbitmq-*.sql"))
    assert "CREATE TABLE public.outbox" in backup.read_text()
    assert not (project.path / "infrastructure/rabbitmq").exists()
    project.commit("Without RabbitMQ")
    shop.stack.up()
    assert shop.stack.sql("SELECT id FROM orders ORDER BY id") == orders
    assert shop.stack.sql("SELECT to_regclass('outbox')") == ""
    assert shop.place()
    assert call("GET", f"{shop.stack.business}/hello/ada").json == "ada"
    running = shop.stack.compose("ps", "--services", "--status", "running").split()
    assert set(running) == {"business_api", "data_postgres_api", "postgres"}

"""The project of these tests, and what its users, its broker and its Telegram say."""

import base64
import json
import subprocess
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from tests.support.docker import Stack
from tests.support.http import call, eventually

ADA, EVE = 1001, 666
LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
OURS = """

@app.get("/hello/{name}")
async def hello(name: str) -> str:
    return name
"""
TELEGRAM = f"""\
services:
  telegram:
    build:
      context: .
      dockerfile: services/business_bot/Dockerfile
    command: [python, -m, business_bot.testing, "0.0.0.0"]
    ports: ["127.0.0.1::8081"]
  business_bot:
    environment:
      BOT_TOKEN: "42:of-tests"
      BOT_USERS: "[{ADA}]"
      BOT_API_URL: http://telegram:8081
"""
# Runs in a container of the project: events as the relay publishes them, some of them twice, and
# among them messages that are not events.
PUBLISH = """
import asyncio, random, sys
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4
from chassis.settings import read_settings
from contracts.order_events import OrderPlaced, OrderState
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
    """The running system, and a queue that gets every event about orders."""

    stack: Stack
    first: str
    """The order that was placed before there was a module."""

    def place(self, *lines: object) -> str:
        """Place an order and return its id."""
        body = {"lines": lines or (LINE,)}
        placed = call("POST", f"{self.stack.business}/api/v1/orders", body)
        assert placed.status == 201, placed
        return str(placed.json["id"])

    def status(self, order: str) -> str:
        return str(call("GET", f"{self.stack.business}/api/v1/orders/{order}").json["status"])

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.stack.project.make(
            "--silent", *arguments, check=False, environment=self.stack.environment
        )

    # --- the broker

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
        """Bind a queue to all events of orders."""
        quorum = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
        self.broker("PUT", "/queues/%2F/listener", quorum)
        self.broker("POST", "/bindings/%2F/e/events/q/listener", {"routing_key": "order.*.v1"})

    def heard(self) -> list[dict[str, Any]]:
        """Take everything out of that queue."""
        ask = {"count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto"}
        found = self.broker("POST", "/queues/%2F/listener/get", ask)
        return [json.loads(message["payload"]) for message in found]

    def outbox(self) -> int:
        """How many events have not been published."""
        return int(self.stack.sql("SELECT count(*) FROM outbox"))

    def queued(self) -> dict[str, int]:
        """How many messages are in each queue of the worker, up to five seconds ago.

        RabbitMQ 4.3 updates the totals of a quorum queue every five seconds.
        """
        # The statistics are older than the totals.
        listed = self.broker("GET", "/queues/%2F?disable_stats=true&enable_queue_totals=true")
        return {
            each["name"]: each["messages"]
            for each in listed
            if each["name"].startswith("business_worker")
        }

    def is_idle(self) -> bool:
        """Whether no message was left but dead letters, up to five seconds ago."""
        queued = self.queued()
        return all(number == 0 for name, number in queued.items() if not name.endswith(".dead"))

    # --- the worker

    def sold(self, sku: str) -> tuple[int, int]:
        """How many pieces of an article the worker has counted, and in how many orders."""
        found = self.stack.sql(f"SELECT quantity, orders FROM sales WHERE sku LIKE '{sku}'")
        rows = [line.split("|") for line in found.split()]
        return sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows)

    def has_counted(self, orders: int) -> bool:
        """Whether so many orders of those that come in bulk are counted."""
        return self.sold("BULK-%")[1] >= orders

    def publish(self, new: int, twice: int, poison: int) -> None:
        """Publish events in bulk, as the relay does."""
        arguments = map(str, (new, twice, poison))
        said = self.stack.execute("business_worker", "python", "-c", PUBLISH, *arguments)
        assert f"{new + twice + poison} published" in said

    # --- Telegram

    def _ask(self, user: int, action: str, text: str | None = None) -> Any:
        url = f"{self.stack.url('telegram', 8081)}/people/{user}/{action}"
        data = None if text is None else text.encode()
        with urlopen(Request(url, data), timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def said(self, user: int = ADA) -> list[str]:
        """What the bot has said to somebody."""
        return [each["text"] for each in self._ask(user, "said")]

    def say(self, text: str, user: int = ADA) -> str:
        """Say something to the bot, and return its answer."""
        return self._answered(user, "say", text)

    def press(self, button: str) -> str:
        """Press a button of the newest message that has it, and return the answer."""
        return self._answered(ADA, "press", button)

    def _answered(self, user: int, action: str, text: str) -> str:
        before = len(self.said(user))
        self._ask(user, action, text)
        try:
            eventually(lambda: len(self.said(user)) > before, seconds=120)
        except AssertionError as silent:
            silent.add_note(self.stack.printed("business_bot")[-4000:])
            raise
        return self.said(user)[-1]

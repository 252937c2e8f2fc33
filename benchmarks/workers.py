"""Messages a second that one worker reads, against a bare consumer of the same messages."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import Result, paired, ratio
from benchmarks.services import PASSWORD, free_port
from extensions.stages import Combination
from tests.support.project import Project, outer_environment, start

ROUNDS = 3
MESSAGES = 3_000
AIM = 0.5

# Fills a queue, and lets a consumer empty it; prints the messages a second, without the start.
COMMON = f"""
import asyncio, time
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4
import aio_pika
from chassis.settings import read_settings
from contracts.order_events import OrderPlaced, OrderState
from contracts.money import Money, Price
from contracts.orders import OrderLine, OrderStatus
from messaging.publisher import Outgoing, connect, publisher
from messaging.reader import Reader, ReaderSettings, make_broker
from messaging.settings import RabbitSettings

RABBIT, NAME, MESSAGES = read_settings(RabbitSettings), "bench", {MESSAGES}
SETTINGS = ReaderSettings(prefetch=50, concurrency=50)

def placed():
    price = Price(amount=Decimal("4.50"), currency="EUR")
    line = OrderLine(sku="TEA", quantity=2, unit_price=price)
    order = OrderState(
        id=uuid4(), customer_id="customer-1", status=OrderStatus.PLACED, lines=(line,) * 3,
        total=Money(amount=Decimal("27.00"), currency="EUR"), version=1,
        created_at=datetime.now(UTC),
    )
    event = OrderPlaced(order=order)
    return Outgoing(event.id, event.routing_key(), event.model_dump_json())

class Counter:
    def __init__(self):
        self.number, self.begin, self.all = 0, 0.0, asyncio.Event()
    def count(self):
        if not self.number:
            self.begin = time.perf_counter()
        self.number += 1
        if self.number == MESSAGES:
            print((MESSAGES - 1) / (time.perf_counter() - self.begin))
            self.all.set()

async def fill():
    messages = [placed() for _ in range(MESSAGES)]
    async with publisher(RABBIT, "bench") as publish:
        for begin in range(0, MESSAGES, 500):
            await asyncio.gather(*(publish(each) for each in messages[begin : begin + 500]))
"""
WORKER = (
    COMMON
    + """
from messaging.around import AROUND

async def main():
    counter = Counter()
    async def handle(event):
        counter.count()
    broker, mover = make_broker(RABBIT, NAME), make_broker(RABBIT, "moves")
    reader = Reader(broker, mover, NAME, OrderPlaced, handle, SETTINGS, AROUND)
    await broker.connect()
    await reader.declare()
    queue = await broker.declare_queue(reader.queues.first(OrderPlaced.routing_key()))
    exchange = await (await (await connect(RABBIT, "x")).channel()).declare_exchange(
        "events", aio_pika.ExchangeType.TOPIC, durable=True
    )
    await queue.bind(exchange, OrderPlaced.routing_key())
    await fill()
    await broker.start()
    await counter.all.wait()
    await broker.stop()

asyncio.run(main())
"""
)
BARE = (
    COMMON
    + """
async def main():
    counter = Counter()
    async def handle(message):
        OrderPlaced.model_validate_json(message.body)
        counter.count()
        await message.ack()
    async with await connect(RABBIT, "bare") as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=SETTINGS.prefetch)
        exchange = await channel.declare_exchange(
            "events", aio_pika.ExchangeType.TOPIC, durable=True
        )
        quorum = {"x-queue-type": "quorum"}
        queue = await channel.declare_queue("bare", durable=True, arguments=quorum)
        await queue.bind(exchange, OrderPlaced.routing_key())
        await fill()
        await queue.consume(handle)
        await counter.all.wait()
        await queue.delete(if_unused=False, if_empty=False)

asyncio.run(main())
"""
)


@contextmanager
def rabbitmq() -> Iterator[int]:
    """A RabbitMQ in a container; yields its port."""
    port, name = free_port(), f"stagecraft-bench-rabbitmq-{os.getpid()}"
    run = ["docker", "run", "--rm", "--detach", "--name", name]
    user = ["--env", "RABBITMQ_DEFAULT_USER=app", "--env", f"RABBITMQ_DEFAULT_PASS={PASSWORD}"]
    publish = ["--publish", f"127.0.0.1:{port}:5672", "rabbitmq:4.3-management"]
    subprocess.run([*run, *user, *publish], check=True, capture_output=True)
    try:
        listening = ["docker", "exec", name, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5672"]
        deadline = time.monotonic() + 60
        while subprocess.run(listening, capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError("RabbitMQ does not start.")
            time.sleep(0.5)
        yield port
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


def rate(project: Project, script: str, port: int) -> float:
    """Messages a second."""
    environment = outer_environment() | {
        "RABBITMQ_HOST": "127.0.0.1",
        "RABBITMQ_PORT": str(port),
        "RABBITMQ_PASSWORD": PASSWORD,
    }
    command = [str(project.path / ".venv/bin/python"), "-c", script]
    done = subprocess.run(
        command, cwd=project.path, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def measure() -> Iterator[Result]:
    """Read the same messages in turn; each round has a fresh queue."""
    with TemporaryDirectory() as folder, rabbitmq() as port:
        for level in (1, 3, 4):
            project = start(
                Path(folder) / f"level{level}", Combination(level, frozenset(["workers"]))
            )
            project.make("setup")
            worker, bare = paired(
                ROUNDS,
                lambda at=project: rate(at, WORKER, port),  # type: ignore[misc]
                lambda at=project: rate(at, BARE, port),  # type: ignore[misc]
            )
            found = ratio(worker, bare)
            yield Result(
                f"messages read by one worker, level {level}",
                "a bare aio-pika consumer that checks the same contract",
                f"{median(worker):.0f} messages/s (baseline {median(bare):.0f})",
                found,
                f"at least {AIM}",
                found >= AIM,
            )

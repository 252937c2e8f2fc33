"""The composition root of the worker."""

import asyncio
from typing import Any

from business_worker.inbox import InboxGateway
from business_worker.settings import NAME, DataServiceSettings, WorkerSettings
from business_worker.tasks.manager import Tasks
from business_worker.tasks.socket import served
from chassis.client import ServiceClient
from chassis.modules import find_modules
from chassis.settings import read_settings
from messaging.around import AROUND
from messaging.reader import Reader, ReaderSettings, Subscription, make_broker
from messaging.reading import read_until
from messaging.settings import RabbitSettings

DAY = 24 * 60 * 60


def find_subscriptions(client: ServiceClient) -> list[Subscription[Any]]:
    """Return what `subscriptions(client)` of each folder with a `subscriptions.py` returns."""
    modules = find_modules("business_worker", "*/subscriptions.py")
    return [each for module in modules for each in module.subscriptions(client)]


async def work(stop: asyncio.Event) -> None:
    """Read events and run tasks until told to stop; what was begun is finished then."""
    data, reading = read_settings(DataServiceSettings), read_settings(ReaderSettings)
    settings = read_settings(WorkerSettings)
    rabbit = read_settings(RabbitSettings)
    broker = make_broker(rabbit, NAME, reading.drain_seconds)
    mover = make_broker(rabbit, f"{NAME} moves")
    async with ServiceClient("data service", str(data.url), data.timeout_seconds) as client:
        inbox = InboxGateway(client)
        tasks = Tasks({"forget_messages": lambda: inbox.forget(settings.remember_days)})
        readers: list[Reader[Any]] = [
            Reader(broker, mover, f"{NAME}.{each.queue}", each.event, each.handle, reading, AROUND)
            for each in find_subscriptions(client)
        ]
        async with tasks, served(tasks), asyncio.TaskGroup() as group:
            group.create_task(tasks.repeat("forget_messages", DAY, stop))
            group.create_task(read_until(stop, broker, mover, readers))

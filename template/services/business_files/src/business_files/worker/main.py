"""The composition root of the background process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from business_files.events import observers
from business_files.gateway import FilesGateway
from business_files.scanner import Scanner
from business_files.settings import DataServiceSettings, ScannerSettings, WorkerSettings
from business_files.store import make_objects
from business_files.worker.context import Work
from business_files.worker.verification import Verification
from chassis.client import ServiceClient
from chassis.errors import ServiceError
from chassis.modules import find_modules
from chassis.process import pause, show_readiness
from chassis.settings import read_settings
from contracts.files import FileWork
from filestore.settings import StoreSettings

BEAT_SECONDS = 5

log = logging.getLogger(__name__)


async def work(stop: asyncio.Event) -> None:
    """Verify files and run the periodic tasks until `stop` is set; finish the current work then."""
    data, settings = read_settings(DataServiceSettings), read_settings(WorkerSettings)
    scanning = read_settings(ScannerSettings)
    if scanning.kind == "off":
        log.warning("FILES_SCANNER_KIND is off: files are not scanned for viruses")
    observers()
    objects = make_objects(read_settings(StoreSettings))
    async with ServiceClient("data service", str(data.url), data.timeout_seconds) as client:
        context = Work(client, FilesGateway(client), objects, Scanner(scanning), settings)
        async with asyncio.TaskGroup() as group:
            # The process is alive during long scans too.
            group.create_task(repeat(stop, _nothing, BEAT_SECONDS))
            for module in find_modules("business_files", "tasks/[a-z]*.py"):
                task = _task(module.run, context)
                group.create_task(repeat(stop, task, module.every(settings)))
            for _ in range(settings.concurrency):
                group.create_task(verify_until(stop, context))


async def repeat(
    stop: asyncio.Event, task: Callable[[], Awaitable[object]], seconds: float
) -> None:
    """Run `task` now and every `seconds`; an error does not end the repetition."""
    while not stop.is_set():
        try:
            await task()
        except ServiceError as error:
            log.warning("a task has to wait: %s", error.detail)
        except Exception:
            log.exception("a task failed")
        await pause(stop, seconds)


async def verify_until(stop: asyncio.Event, context: Work) -> None:
    """Verify files one after another, the oldest first."""
    settings, verification = context.settings, Verification(context)
    while not stop.is_set():
        try:
            found = await context.files.lease(FileWork.VERIFY, 1, settings.lease_seconds)
            show_readiness(True)
            for file in found:
                try:
                    await verification.verify(file)
                except ServiceError:
                    raise
                except Exception:
                    # Another attempt follows when the lease ends; other files do not wait for it.
                    log.exception("file %s could not be verified", file.id)
            await pause(stop, 0 if found else settings.poll_seconds)
        except ServiceError as error:
            show_readiness(False)
            log.warning("no file is verified: %s", error.detail)
            await pause(stop, settings.retry_seconds)


def _task(
    run: Callable[[Work], Awaitable[object]], context: Work
) -> Callable[[], Awaitable[object]]:
    return lambda: run(context)


async def _nothing() -> None:
    return

"""Copies content to the second store, and deletes copies of what was purged."""

import logging

from prometheus_client import Gauge

from business_files.backup.copies import BackupGateway, copy_file, raw, second_store
from business_files.backup.settings import BackupSettings
from business_files.events import FileEvent, note
from business_files.settings import WorkerSettings
from business_files.worker.context import Work
from chassis.errors import ServiceError
from chassis.settings import read_settings
from filestore.encryption import EncryptionSettings
from filestore.settings import StoreSettings

log = logging.getLogger(__name__)

LAG = Gauge("files_backup_lag_seconds", "How long the oldest file without a copy has had none.")
WITHOUT = Gauge("files_without_copy", "Files that have no copy in the second store.")


def every(_: WorkerSettings) -> float:
    """Return the seconds between two runs."""
    return read_settings(BackupSettings).seconds


async def run(work: Work) -> None:
    """Copy everything that has no copy."""
    target = second_store(read_settings(BackupSettings))
    if target is None:
        log.warning("FILES_BACKUP_S3_BUCKET is not set: files have no copy")
        return
    source, gateway = raw(read_settings(StoreSettings)), BackupGateway(work.client)
    # With an envelope, the checksum of the content is not that of the object.
    is_plain = read_settings(EncryptionSettings).encryption != "envelope"
    try:
        async for file in gateway.missing():
            # A file that cannot be copied does not block the others.
            try:
                await copy_file(file, source, target, file.sha256 if is_plain else None)
                await gateway.note(file.id, has_copy=True)
            except FileNotFoundError:
                note(FileEvent("orphaned", file.id, "missing", file.size, file.content_type))
            except ServiceError as error:
                log.error("file %s is not copied: %s", file.id, error.detail)
            else:
                note(FileEvent("copied", file.id, "done", file.size, file.content_type))
        async for file in gateway.purged():
            await target.delete(file.key)
            await gateway.note(file.id, has_copy=False)
    finally:
        lag = await gateway.lag()
        LAG.set(lag.seconds)
        WITHOUT.set(lag.files)

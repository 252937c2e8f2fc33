"""Brings content back from the second store: `python -m business_files.backup restore`."""

import asyncio
import sys
from uuid import UUID

from business_files.backup.copies import raw, restore_file, second_store
from business_files.backup.settings import BackupSettings
from business_files.gateway import FilesGateway
from business_files.settings import NAME, DataServiceSettings
from chassis.client import ServiceClient
from chassis.errors import ServiceError
from chassis.security.service_tokens import sign_calls_as
from chassis.settings import read_settings
from filestore.settings import StoreSettings


async def restore() -> int:
    """Bring back every file that is ready and has no object; return how many have no copy."""
    source = second_store(read_settings(BackupSettings))
    if source is None:
        sys.exit("There is no second store: set FILES_BACKUP_S3_BUCKET.")
    target, data = raw(read_settings(StoreSettings)), read_settings(DataServiceSettings)
    there, back, lost = 0, 0, 0
    async with ServiceClient("data service", str(data.url), data.timeout_seconds) as client:
        gateway = FilesGateway(client)
        after: UUID | None = None
        while files := await gateway.ready(after):
            for file in files:
                try:
                    if await restore_file(file, source, target):
                        back += 1
                    else:
                        there += 1
                except FileNotFoundError:
                    lost += 1
                    print(f"{file.id} has no copy.")
            after = files[-1].id
            print(f"{there} were there, {back} are back, {lost} have no copy.", flush=True)
    return lost


def main() -> int:
    """Return 0 when every file has its content."""
    if sys.argv[1:] != ["restore"]:
        sys.exit("Say what: python -m business_files.backup restore")
    sign_calls_as(NAME)
    try:
        return 1 if asyncio.run(restore()) else 0
    except ServiceError as error:
        sys.exit(f"{error.detail} Nothing is lost: start it again.")


if __name__ == "__main__":
    sys.exit(main())

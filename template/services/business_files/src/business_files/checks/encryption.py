"""Objects in the bucket are encrypted, including direct uploads of clients."""

import aiohttp

from business_files.candidate import Candidate, Refused
from chassis.errors import Unavailable
from chassis.settings import read_settings
from filestore.encryption import EncryptionSettings
from filestore.put_headers.encryption import HEADER
from filestore.settings import StoreSettings
from filestore.sigv4 import presign_inside

SECONDS = 60


async def check(candidate: Candidate) -> None:
    """Raise `Refused` for an object without the configured encryption."""
    settings = read_settings(EncryptionSettings)
    if not settings.by_store:
        return
    url = presign_inside(read_settings(StoreSettings), "HEAD", candidate.file.key, SECONDS)
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.head(url) as answer,
        ):
            found = answer.headers.get(HEADER)
            if answer.status >= 300:
                raise Unavailable("The object store does not say how content is encrypted.")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable("The object store cannot be reached.") from error
    if found != settings.encryption:
        raise Refused(f"the content is not encrypted with {settings.encryption}")

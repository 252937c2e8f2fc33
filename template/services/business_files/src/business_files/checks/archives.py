"""Archives unpack to a limited size, and the scanner can read every entry."""

import asyncio

from business_files.archive import entries
from business_files.candidate import Candidate, Refused

ENCRYPTED = 0x1


async def check(candidate: Candidate) -> None:
    """Raise `Refused` for a ZIP archive that unpacks to too much, or that is encrypted.

    The declared type does not matter: programs recognize archives by their content.
    """
    found = await asyncio.to_thread(entries, candidate)
    if found is None:
        return
    candidate.names = frozenset(entry.filename for entry in found)
    settings = candidate.settings
    if len(found) > settings.max_archive_entries:
        raise Refused(f"the archive has more than {settings.max_archive_entries:,} entries")
    if sum(entry.file_size for entry in found) > settings.max_unpacked_bytes:
        raise Refused(f"the archive unpacks to more than {settings.max_unpacked_bytes:,} bytes")
    if any(entry.flag_bits & ENCRYPTED for entry in found):
        raise Refused("the archive is encrypted, so no scanner can read it")

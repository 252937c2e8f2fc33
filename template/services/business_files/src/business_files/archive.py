"""Reads the directory of a ZIP archive, and no more of it than is reasonable."""

import struct
from zipfile import BadZipFile, ZipFile, ZipInfo, is_zipfile

from business_files.candidate import Candidate, Refused

END = struct.Struct("<4s4H2LH")
SIGNATURE = b"PK\x05\x06"
MAX_COMMENT = 65_535
# An entry of the directory with a long name.
ENTRY_BYTES = 1000


def entries(candidate: Candidate) -> list[ZipInfo] | None:
    """Return the entries of an archive; None for content that no program would take for one.

    An archive may have other bytes before it, so the first ones say nothing. Raises `Refused` for a
    directory that cannot be read, or that is too large to be read at all.
    """
    most = candidate.settings.max_archive_entries
    with candidate.objects.reader(candidate.file.key) as file:
        if not is_zipfile(file):
            if candidate.head.startswith(b"PK\x03\x04"):
                raise Refused("the archive cannot be read")
            return None
        file.seek(max(0, candidate.size - END.size - MAX_COMMENT))
        tail = file.read()
        found = tail.rfind(SIGNATURE)
        if found < 0 or len(tail) - found < END.size:
            raise Refused("the archive cannot be read")
        _, _, _, _, number, size, _, _ = END.unpack_from(tail, found)
        # Before it is read into memory. With 65,535 the number is elsewhere: it is more than that.
        if number > most or size > most * ENTRY_BYTES:
            raise Refused(f"the archive has more than {most:,} entries")
        try:
            with ZipFile(file) as archive:
                return archive.infolist()
        except (BadZipFile, NotImplementedError, ValueError) as error:
            raise Refused("the archive cannot be read") from error

"""Reads the directory of a ZIP archive, within limits."""

import struct
from zipfile import BadZipFile, ZipFile, ZipInfo, is_zipfile

from business_files.candidate import Candidate, Refused

END = struct.Struct("<4s4H2LH")
SIGNATURE = b"PK\x05\x06"
MAX_COMMENT = 65_535
# An entry of the directory with a long name.
ENTRY_BYTES = 1000


def entries(candidate: Candidate) -> list[ZipInfo] | None:
    """Return the entries of an archive, None for other content.

    An archive may begin with other bytes, so its first bytes prove nothing. Raises `Refused` for a
    directory that is damaged or too large to read.
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
        # Before it is read into memory. ZIP64 archives state 65,535 here, which exceeds the limit.
        if number > most or size > most * ENTRY_BYTES:
            raise Refused(f"the archive has more than {most:,} entries")
        try:
            with ZipFile(file) as archive:
                return archive.infolist()
        except (BadZipFile, NotImplementedError, ValueError) as error:
            raise Refused("the archive cannot be read") from error

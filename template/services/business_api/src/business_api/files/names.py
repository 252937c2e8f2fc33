"""File names for display; the store does not use them."""

import unicodedata

MAX_BYTES = 255
# Control characters, and characters that change the text direction ("exe.gpj" as "jpg.exe").
REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean_name(given: str) -> str:
    """Return the last component of a path as NFC, in at most 255 bytes; "file" if it is empty."""
    name = unicodedata.normalize("NFC", given.replace("\\", "/").rpartition("/")[2])
    name = "".join(c for c in name if unicodedata.category(c) not in REFUSED).strip(" .")
    if len(name.encode()) > MAX_BYTES:
        stem, dot, ending = name.rpartition(".")
        if not stem or len(ending.encode()) > 20:
            stem, dot, ending = name, "", ""
        room = MAX_BYTES - len((dot + ending).encode())
        name = stem.encode()[:room].decode(errors="ignore") + dot + ending
    return name or "file"

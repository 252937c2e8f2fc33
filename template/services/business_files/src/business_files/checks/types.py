"""The content has the declared type, by its first bytes; the file name does not matter."""

import puremagic

from business_files.candidate import Candidate, Refused

# Behind the check of archives, which reads the entries.
PHASE = 5
ZIP = "application/zip"
OFFICE = "application/vnd.openxmlformats-officedocument."
# By the folder that the archive has.
OFFICE_TYPES = {
    "word/": f"{OFFICE}wordprocessingml.document",
    "xl/": f"{OFFICE}spreadsheetml.sheet",
    "ppt/": f"{OFFICE}presentationml.presentation",
}


async def check(candidate: Candidate) -> None:
    """Raise `Refused` for content of another type than was declared."""
    declared = candidate.file.declared_type
    if declared not in _possible(candidate):
        raise Refused(f"the content is not {declared}")


def _possible(candidate: Candidate) -> set[str]:
    head = candidate.head
    if candidate.names is not None:
        return _archives(candidate.names)
    if candidate.is_text:
        # HTML, SVG and XML: a browser that ignores the declared type could run it as a page.
        is_page = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
        return set() if is_page else {"text/plain", "text/csv"}
    try:
        found = {each.mime_type for each in puremagic.magic_string(head)}
    except puremagic.PureError:
        return set()
    # Text and archives are recognized above.
    return {kind for kind in found if kind != ZIP and not kind.startswith(("text/", OFFICE))}


def _archives(names: frozenset[str]) -> set[str]:
    found = {ZIP}
    if "[Content_Types].xml" in names:
        found |= {
            kind
            for folder, kind in OFFICE_TYPES.items()
            if any(name.startswith(folder) for name in names)
        }
    return found

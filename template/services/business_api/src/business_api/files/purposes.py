"""The purposes of uploads, with their accepted types and sizes."""

from dataclasses import dataclass
from functools import cache

from chassis.errors import Invalid
from chassis.modules import find_modules


@dataclass(frozen=True, slots=True)
class Purpose:
    """A reason to upload files. `types` are media types, `max_bytes` is the size of one file."""

    name: str
    types: frozenset[str]
    max_bytes: int


@cache
def purposes() -> dict[str, Purpose]:
    """Return the `PURPOSES` of each folder of this service that has an `attachments.py`."""
    modules = find_modules("business_api", "*/attachments.py")
    return {each.name: each for module in modules for each in getattr(module, "PURPOSES", ())}


def purpose_for(name: str, content_type: str, size: int | None) -> Purpose:
    """Return the purpose; raise `Invalid` if it is unknown or does not accept the file."""
    purpose = purposes().get(name)
    if purpose is None:
        known = ", ".join(sorted(purposes()))
        problem = {"field": "body.purpose", "message": f"one of: {known}"}
        raise Invalid(f"There is no purpose {name}; there is {known}.", [problem])
    if content_type not in purpose.types:
        accepted = ", ".join(sorted(purpose.types))
        problem = {"field": "body.content_type", "message": f"one of: {accepted}"}
        raise Invalid(f"For {name}, files of type {content_type} are not accepted.", [problem])
    if size is not None and size > purpose.max_bytes:
        problem = {"field": "body.size", "message": f"at most {purpose.max_bytes}"}
        raise Invalid(f"For {name}, a file has at most {purpose.max_bytes:,} bytes.", [problem])
    return purpose

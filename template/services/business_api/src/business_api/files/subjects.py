"""What files may be attached to: each feature answers for its own, in its `attachments.py`."""

from functools import cache
from typing import Protocol

from chassis.client import ServiceClient
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.modules import find_modules
from contracts.files import StoredFile, SubjectRef


class SubjectKind(Protocol):
    """The port to one kind of things; `type` is its name in requests."""

    @property
    def type(self) -> str: ...

    async def may_attach(self, client: ServiceClient, subject_id: str) -> str:
        """Return whose a file that is attached to the thing is.

        Raises `NotFound` for a thing that is not there for the caller, or `Forbidden`.
        """
        ...

    async def may_read(self, client: ServiceClient, subject_id: str) -> None:
        """Raise `NotFound` or `Forbidden` unless the caller may read what is attached to it."""
        ...


@cache
def subject_kinds() -> dict[str, SubjectKind]:
    """Return the `SUBJECTS` of each folder of this service that has an `attachments.py`."""
    modules = find_modules("business_api", "*/attachments.py")
    return {each.type: each for module in modules for each in getattr(module, "SUBJECTS", ())}


def kind_of(subject: SubjectRef) -> SubjectKind:
    """Return what answers for a thing; raise `Invalid` if nothing does."""
    kind = subject_kinds().get(subject.type)
    if kind is None:
        known = ", ".join(sorted(subject_kinds())) or "nothing yet"
        problem = {"field": "subject_type", "message": f"one of: {known}"}
        raise Invalid(f"Files cannot be attached to {subject.type}, but to {known}.", [problem])
    return kind


async def check_may_read(client: ServiceClient, caller: str, file: StoredFile) -> None:
    """Raise `NotFound` unless the caller may read one of the things that the file is attached to.

    A file that is attached to nothing is read by whoever sees it. Its owner reads it in any case:
    the thing may be gone.
    """
    if caller == file.owner or not file.attachments:
        return
    for subject in file.attachments:
        kind = subject_kinds().get(subject.type)
        if kind is None:
            continue
        try:
            await kind.may_read(client, subject.id)
        except (NotFound, Forbidden):
            continue
        return
    raise NotFound(f"There is no file {file.id}.")

"""Resources that files can be attached to; each feature defines its own in `attachments.py`."""

from functools import cache
from typing import Protocol

from chassis.client import ServiceClient
from chassis.errors import Forbidden, Invalid, NotFound
from chassis.modules import find_modules
from contracts.files import StoredFile, SubjectRef


class SubjectKind(Protocol):
    """The port to one kind of resources; `type` is its name in requests."""

    @property
    def type(self) -> str: ...

    async def may_attach(self, client: ServiceClient, subject_id: str) -> str:
        """Return the owner of a file that is attached to the resource.

        Raises `NotFound` or `Forbidden` if the caller may not attach files to it.
        """
        ...

    async def may_read(self, client: ServiceClient, subject_id: str) -> None:
        """Raise `NotFound` or `Forbidden` if the caller may not read attached files."""
        ...


@cache
def subject_kinds() -> dict[str, SubjectKind]:
    """Return the `SUBJECTS` of each folder of this service that has an `attachments.py`."""
    modules = find_modules("business_api", "*/attachments.py")
    return {each.type: each for module in modules for each in getattr(module, "SUBJECTS", ())}


def kind_of(subject: SubjectRef) -> SubjectKind:
    """Return the port to a resource; raise `Invalid` for an unknown type."""
    kind = subject_kinds().get(subject.type)
    if kind is None:
        known = ", ".join(sorted(subject_kinds())) or "nothing yet"
        problem = {"field": "subject_type", "message": f"one of: {known}"}
        raise Invalid(f"Files cannot be attached to {subject.type}, but to {known}.", [problem])
    return kind


async def check_may_read(client: ServiceClient, caller: str, file: StoredFile) -> None:
    """Raise `NotFound` unless the caller may read one of the resources of the file.

    Files without attachments need no further permission. Owners can always read their files,
    because the resource may be deleted.
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

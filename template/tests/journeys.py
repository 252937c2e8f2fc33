"""The protocol of `journey.py`: load tests, service tests and drills do what it describes."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

PAGE = "docs/atomic/testing/end-to-end-testing/user-journey-testing.md"
Request = tuple[str, str, object]
"""A method, a path of the business service, and a body that is sent as JSON."""


class Journey(Protocol):
    """What `journey.py` has; the module itself is the object."""

    ROLES: str
    """The roles of the user from level 4 on, with spaces between them."""
    TABLE: str
    """The table in which each thing is a row: drills count them."""
    KEY: str
    """The column of its id, and the field of answers that has it."""

    def create(self) -> Request:
        """Make one; its answer has the `KEY`."""

    def read(self, key: str) -> Request:
        """Read one."""

    def browse(self) -> Request:
        """List the newest."""

    def advance(self, key: str) -> Request:
        """Change one that was just made."""


NEEDED = frozenset({*Journey.__annotations__, "create", "read", "browse", "advance"})


def described() -> Journey:
    """Return the project's journey; end the process with a sentence when it is not complete."""
    if not Path("journey.py").exists():
        sys.exit(f"There is no journey.py, which describes what users do: {PAGE} shows how.")
    journey = import_module("journey")
    if missing := sorted(NEEDED - set(dir(journey))):
        sys.exit(f"journey.py has no {', '.join(missing)}: {PAGE} lists what it needs.")
    return cast(Journey, journey)

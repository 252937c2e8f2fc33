"""The protocol of `journey.py`: load tests, service tests and drills do what it describes."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

PAGE = "docs/atomic/testing/end-to-end-testing/user-journey-testing.md"
Request = tuple[str, str, object]
"""A method, a path of the business service, and a body that is sent as JSON."""


class Journey(Protocol):
    """The names that `journey.py` defines."""

    ROLES: str
    """The roles of the user at level 4, separated by spaces."""
    TABLE: str
    """The table that keeps what is created; drills count its rows."""
    KEY: str
    """The column of the id, and its field in responses."""

    def create(self) -> Request:
        """Create one; the response has the field `KEY`."""

    def read(self, key: str) -> Request:
        """Read one."""

    def browse(self) -> Request:
        """List the newest."""

    def advance(self, key: str) -> Request:
        """Change one that was just created."""


NEEDED = frozenset({*Journey.__annotations__, "create", "read", "browse", "advance"})


def described() -> Journey:
    """Return the project's journey; exit with an error if it is incomplete."""
    if not Path("journey.py").exists():
        sys.exit(f"There is no journey.py, which describes what users do: {PAGE} shows how.")
    journey = import_module("journey")
    if missing := sorted(NEEDED - set(dir(journey))):
        sys.exit(f"journey.py has no {', '.join(missing)}: {PAGE} lists what it needs.")
    return cast(Journey, journey)

"""A team that puts a domain of its own in the place of the example."""

import shutil
from pathlib import Path

from extensions.stages import ROOT
from tests.support.matrix import RULES
from tests.support.project import Project, empty_directories

TICKETS = ROOT / "tests/domains/tickets"
POLICY = """\
# Who may do what with tickets.

[routes]
"POST /api/v1/tickets" = "tickets:report"
"GET /api/v1/tickets" = "tickets:read"
"GET /api/v1/tickets/{ticket_id}" = "tickets:read"
"POST /api/v1/tickets/{ticket_id}/close" = "tickets:close"

[roles.customer]
own = ["tickets:report", "tickets:read"]

[roles.staff]
all = ["tickets:report", "tickets:read", "tickets:close"]
"""


def remove_example(project: Project) -> None:
    """Delete by hand what belongs to the example."""
    for claim in RULES.example:
        for path in project.path.glob(claim):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    while empty := empty_directories(project.path):
        for folder in empty:
            folder.rmdir()


def replace_example(project: Project) -> None:
    """Put tickets in the place of orders: other names, another owner, no money, no lines."""
    remove_example(project)
    shutil.copytree(TICKETS, project.path, dirs_exist_ok=True)


def write_policy(project: Project) -> None:
    """Add what `make policy` asks for at level 4."""
    path = "services/business_api/src/business_api/policies/tickets.toml"
    if not (project.path / path).exists():
        project.write(path, POLICY)


def tickets_of(folder: Path) -> dict[str, bytes]:
    """The files of the domain, as they are in the project."""
    found = (path for path in TICKETS.rglob("*") if path.is_file() and path.suffix == ".py")
    paths = [path.relative_to(TICKETS) for path in found]
    return {str(path): (folder / path).read_bytes() for path in paths}

"""A module made as CONTRIBUTING.md says is files of its own, and changes no other."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import copier
from tests.support.project import Project, files_of, outer_environment
from tests.support.template import commit_all

# A name that stages.yml has in its line of modules, and that nothing stands behind yet.
NAME = "realtime"
FOLDER = f"modules/{NAME}"
SERVICE = "template/services/data_postgres_api"
MODULE = {
    f"{FOLDER}/rules.yml": """\
id: 4.Y
title: Greetings
levels:
  1:
    scope: Greetings
    needs: [features, phases]
    libraries:
      services/data_postgres_api: ["yarl>=1.20"]
    settings:
      services/business_api: {GREETED: "world: # all"}
    secrets:
      services/business_api: [GREETING_KEY]
      services/data_postgres_api: [GREETING_KEY]
    features: [a greeting for everybody]
    artifacts:
      - infrastructure/greetings
      - infrastructure/greetings/compose.yml
      - make/greetings.mk
      - services/data_postgres_api/migrations/versions/greetings
      - services/data_postgres_api/src/data_postgres_api/greetings
      - services/data_postgres_api/src/data_postgres_api/features/greetings.py
""",
    f"{FOLDER}/question.yml": f"""\
{NAME}:
  type: bool
  default: false
  help: Does the system greet people? You can add it later.
  validator: >-
    {{%- from 'extensions/rules.jinja' import without -%}}
    {{%- set file = _copier_conf.dst_path ~ '/' ~ _copier_conf.answers_file -%}}
    {{%- set recorded = _external_data.recorded if file | fileglob else {{}} -%}}
    {{%- if not {NAME} and recorded.{NAME} | default(false) and not allow_removal -%}}
    {{{{ without('{NAME}', recorded) }}}}
    {{%- endif -%}}
""",
    **{
        f"{FOLDER}/{place}.jinja": text
        for place, text in {
            "commands": "| `make greet` | Greet |\n",
            "env": "# Whom to greet.\n# GREETED=everybody\n",
            "keys": "",
            "flow": "    business --> greetings[greetings]\n",
            "parts": "| greetings | Greets | `infrastructure/greetings` |\n",
            "paths": "| `infrastructure/greetings` | What greets |\n",
            "records": "",
            "runbooks": "",
        }.items()
    },
    "template/infrastructure/greetings/compose.yml": """\
services:
  greetings:
    image: postgres:17-trixie
""",
    "template/make/greetings.mk": """\
# Greetings.
.PHONY: greet
greet: ## Greet
\t@echo hello
""",
    f"{SERVICE}/migrations/versions/greetings/0001_greetings.py": '''\
"""Greetings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "greetings_0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = ("greetings",)
depends_on: str | Sequence[str] | None = None
module: str = "realtime"


def upgrade() -> None:
    """Create the table."""
    op.create_table("greetings", sa.Column("text", sa.String(64), primary_key=True))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("greetings")
''',
    f"{SERVICE}/src/data_postgres_api/greetings/__init__.py": '"""Greetings."""\n',
    f"{SERVICE}/src/data_postgres_api/greetings/models.py": '''\
"""The table of greetings."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from data_postgres_api.database import SHARED, Base


class GreetingRow(Base):
    """A greeting."""

    __tablename__ = "greetings"
    __owner__ = SHARED

    text: Mapped[str] = mapped_column(String(64), primary_key=True)
''',
    f"{SERVICE}/src/data_postgres_api/greetings/router.py": '''\
"""The routes for greetings."""

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1/greetings", tags=["greetings"])


@router.get("")
async def greet() -> str:
    """Greet."""
    return "hello"
''',
    f"{SERVICE}/src/data_postgres_api/features/greetings.py": '''\
"""Greets in the header of every answer."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.phases import Phase


class Greeting:
    """Adds the header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def greeting(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-greeting", b"hello")]
            await send(message)

        await self._app(scope, receive, greeting)


def feature(app: FastAPI) -> None:
    """Install it."""
    app.add_middleware(Greeting)


PHASE = Phase.HEADERS
''',
}
ASK = """\
from fastapi.testclient import TestClient
from data_postgres_api.main import app
print(TestClient(app).get("/api/v1/greetings").headers.get("x-greeting"))
"""


def render(checkout: Path, target: Path, *data: str) -> Project:
    options = [part for each in data for part in ("--data", each)]
    copy = ("copy", "--quiet", "--defaults", "--vcs-ref=HEAD", *options)
    copier(*copy, str(checkout), str(target), folder=checkout.parent)
    project = Project(target)
    project.commit("Start")
    return project


def composed(project: Project, *files: str) -> dict[str, Any]:
    """What Compose makes of the project's files: its services."""
    named = [part for file in files for part in ("-f", file)]
    needed = ("POSTGRES_PASSWORD", "POSTGRES_REPLICATION_PASSWORD", "GRAFANA_PASSWORD")
    listed = subprocess.run(
        ["docker", "compose", *named, "config", "--format", "json"],
        cwd=project.path,
        env=outer_environment() | dict.fromkeys(needed, "x") | {"GREETING_KEY": "hidden"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(listed.stdout)["services"]
    return found


def test_a_module_is_files_of_its_own(checkout: Path, tmp_path: Path) -> None:
    for path, text in MODULE.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    # Nothing else is written into the template: what follows works with these files alone.
    commit_all(checkout, "Greetings")

    project = render(checkout, tmp_path / "project", "maturity_level=1", "python_version=3.13")
    assert not (project.path / "infrastructure/greetings").exists()
    project.make("upgrade", f"MODULE={NAME}")
    project.commit("Greetings")
    project.make("upgrade", "LEVEL=2")
    wanted = ("maturity_level=2", "python_version=3.13", f"{NAME}=true")
    fresh = render(checkout, tmp_path / "fresh", *wanted)
    assert files_of(project.path) == files_of(fresh.path)

    again = ("update", "--defaults", "--vcs-ref=:current:", "--data", f"{NAME}=false")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        copier(*again, folder=fresh.path)
    assert "The project has Greetings. Without it" in refused.value.stderr
    project.make("lint")
    assert project.make("greet").stdout == "hello\n"
    assert '"yarl>=1.20",' in project.read("services/data_postgres_api/pyproject.toml")
    assert "# GREETED=everybody" in project.read(".env.example")
    assert "Greetings" in project.read("docs/maturity-levels.md")
    services = composed(project)
    assert "greetings" in services
    api = services["business_api"]
    assert api["environment"]["GREETED"] == "world: # all"
    assert api["environment"]["GREETING_KEY"] == "hidden"
    asked = subprocess.run(
        [str(project.path / ".venv/bin/python"), "-c", ASK],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.splitlines()[-1] == "hello"


@pytest.mark.parametrize("level", [3, 4])
def test_a_secret_of_a_module_is_a_file_in_production(
    checkout: Path, tmp_path: Path, level: int
) -> None:
    for path, text in MODULE.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    commit_all(checkout, "Greetings")
    asked = (f"maturity_level={level}", "python_version=3.13", f"{NAME}=true")
    project = render(checkout, tmp_path / "project", *asked)
    project.make("env")
    project.append(".env", "GREETING_KEY=hidden\n")
    files = project.make("--silent", "files", "FOR=prod").stdout.strip().split(":")
    services = composed(project, *files)
    for name in ("business_api", "data_postgres_api"):
        assert "hidden" not in json.dumps(services[name]), name
        assert "greeting_key" in {each["source"] for each in services[name]["secrets"]}
    assert services["business_api"]["environment"]["GREETED"] == "world: # all"
    assert ("issuer_signing_keys" in json.dumps(services["business_api"])) == (level == 4)
    project.make("secrets")
    assert project.read("secrets/greeting_key") == "hidden"

"""A version comes into production without a lost request, or goes back.

One project lives through the file: level 2 with a route of the team, moved to level 4 and run from
the production files. Versions are released by a developer, pushed to a registry that wants a
password, and rolled out over ssh by a real server of OpenSSH, while clients go on asking.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from extensions.stages import Combination
from tests.support.delivery import (
    PASSWORD,
    USER,
    clone,
    docker_config,
    registry,
    ssh_host,
    versions,
)
from tests.support.docker import remove_images, require_docker, stack
from tests.support.http import eventually
from tests.support.load import Load, under_load
from tests.support.matrix import ALL, FULL
from tests.support.ports import free_port
from tests.support.production import Secured
from tests.support.project import Project, outer_environment, start

BUSINESS = "services/business_api/src/business_api"
DATA = "services/data_postgres_api/src/data_postgres_api"
CORE = "services/data_postgres_api/migrations/versions/core"
ROUTE = (
    '\n\n@router.get("/{order_id}/total")\n'
    "async def get_total(order_id: UUID, orders: OrdersPort) -> str:\n"
    '    """Return the total as text."""\n'
    "    return str((await orders.get(order_id)).total.amount)\n"
)
MIGRATION = '''\
"""{text}

Revision ID: {revision}
Revises: {down}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    op.drop_column("orders", "note")
'''
SAFE = 'op.add_column("orders", sa.Column("note", sa.String(200), nullable=True))'
SERVICES = ("business_api", "data_postgres_api")
# Docker compresses what it pushes, and two thirds of that are the images of the database. Unless
# all tests run, small images replace them. They never start: the host keeps its own as long as the
# Dockerfile stays the same, and the version that changes it is taken back before.
SMALL = {
    "small/Dockerfile": "FROM python:3.13-slim AS node\nLABEL small=yes\nFROM node AS backup\n",
    "docker-compose.override.yml": (
        "services:\n  postgres: {build: {context: small}}\n  backup: {build: {context: small}}\n"
    ),
}


@dataclass(frozen=True)
class Delivery(Secured):
    """A system in production, and what a developer has to bring versions to it."""

    developer: Project
    settings: dict[str, str]
    images: str

    def develop(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make as the developer, or as a pipeline."""
        return subprocess.run(
            ["make", *arguments],
            cwd=self.developer.path,
            env=outer_environment() | self.settings,
            capture_output=True,
            text=True,
        )

    def release(self, version: str, message: str) -> None:
        """Commit, release, build and push a version, as the pipeline of a tag does."""
        self.developer.commit(message)
        for arguments in (
            ("release", f"VERSION={version}"),
            ("images", f"VERSION=v{version}"),
            ("registry-login",),
            ("push", f"VERSION=v{version}"),
        ):
            done = self.develop(*arguments)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        self.developer.git("push", "--quiet", "origin", "main", f"v{version}")
        # What the host runs has to come from the registry.
        for service in SERVICES:
            tag = f"{self.images}/{service}:{version}"
            subprocess.run(["docker", "image", "rm", tag], check=True, capture_output=True)

    def deploy(self, version: str) -> subprocess.CompletedProcess[str]:
        return self.develop("deploy", f"VERSION=v{version}")

    def load(self) -> Any:
        who = ("token", "WHO=load", "ROLES=customer staff")
        return under_load(self.issuer, self.make(*who).stdout.strip(), self.context)

    def runs(self) -> dict[str, list[str]]:
        """The tags that run, by service, as `make versions` tells."""
        return versions(self.make("versions").stdout)

    def containers(self, service: str) -> list[dict[str, Any]]:
        return [container.attrs for container in self.stack.containers(service)]

    def current(self) -> list[str]:
        """The images that have the name of what runs, those of the database among them."""
        images = "{{.Repository}}:{{.Tag}} {{.ID}}"
        listed = [
            "docker",
            "images",
            "--format",
            images,
            "--filter",
            f"reference={self.images}/*:current",
        ]
        done = subprocess.run(listed, check=True, capture_output=True, text=True)
        return sorted(done.stdout.splitlines())

    def ids(self) -> set[str]:
        return {each["Id"] for service in SERVICES for each in self.containers(service)}

    def of_one_version(self, *services: str) -> bool:
        """Whether all replicas of these run one image."""
        found = {each["Image"] for service in services for each in self.containers(service)}
        return len(found) == 1

    def sql(self, statement: str) -> str:
        return self.stack.sql(statement)

    def no_order(self) -> str:
        """What the data service says of an order that is not there."""
        path = "/api/v1/orders/00000000-0000-0000-0000-000000000000"
        token = self.make("token", "WHO=ada", "ROLES=staff").stdout.strip()
        return str(self.call("GET", path, token).json["detail"])


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    require_docker()
    folder = tmp_path_factory.mktemp("rollout")
    project = start(folder / "host", Combination(2))
    project.append(f"{BUSINESS}/orders/router.py", ROUTE)
    project.commit("A route of the team")
    # Worker and bot are replaced as the relay is.
    project.move(Combination(4, ALL if FULL else frozenset({"rabbitmq"})))
    project.make("lock")
    project.commit("Level 4")
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", str(project.path), str(folder / "origin")], check=True
    )
    project.git("remote", "add", "origin", str(folder / "origin"))
    http, https = free_port(), free_port()
    for name in ("registry", "ssh", "docker", "bin"):
        (folder / name).mkdir()
    # The strictest of shells to be fed a script: it reads as it goes, so nothing else may.
    (folder / "bin/sh").symlink_to(str(shutil.which("bash")))
    with ExitStack() as context:
        running = context.enter_context(stack(project))
        where = context.enter_context(registry(folder / "registry", f"{running.name}-registry"))
        images = f"{where}/shop"
        context.callback(remove_images, f"{images}/*")
        project.write(
            ".env",
            f"PUBLIC_HTTP_PORT={http}\nPUBLIC_HTTPS_PORT={https}\nIMAGES={images}\n"
            f"ISSUER_URL=https://localhost:{https}\nISSUER_ACCESS_TOKEN_SECONDS=1500\n"
            "RATE_LIMIT=100000\nWRITE_RATE_LIMIT=100000\nCLIENT_CONNECTIONS=10000\n",
        )
        docker = {"DOCKER_CONFIG": str(docker_config(folder / "docker"))}
        outer = outer_environment()
        remote = running.environment | docker
        remote |= {name: outer[name] for name in ("PATH", "DOCKER_HOST") if name in outer}
        remote["PATH"] = f"{folder}/bin:{remote['PATH']}"
        ssh = context.enter_context(ssh_host(folder / "ssh", remote))
        settings = docker | ssh | {
            # This machine may have another project of that name.
            "COMPOSE_PROJECT_NAME": f"{running.name}-developer",
            "IMAGES": images,
            "DEPLOY_PATH": str(project.path),
            "REGISTRY": where,
            "REGISTRY_USER": USER,
            "REGISTRY_PASSWORD": PASSWORD,
        }  # fmt: skip
        developer = clone(folder / "origin", folder / "developer")
        if not FULL:
            developer.append(".git/info/exclude", "small/\ndocker-compose.override.yml\n")
            for path, text in SMALL.items():
                developer.write(path, text)
        project.make("prod", environment=running.environment)
        down = ("down", "--volumes", "--timeout", "0")
        context.callback(running.production, *down, check=False)
        yield Delivery(running, https, developer, settings, images)


def no_request_was_lost(delivery: Delivery, load: Load) -> None:
    assert load.failures == []
    assert load.requests > 100
    listed = ",".join(f"'{order}'" for order in load.placed)
    assert delivery.sql(f"SELECT count(*) FROM orders WHERE id IN ({listed})") == str(
        len(load.placed)
    )


def test_a_new_version_costs_no_request(delivery: Delivery) -> None:
    before, developer = delivery.ids(), delivery.developer
    assert delivery.no_order().startswith("There is no order")
    developer.replace(f"{DATA}/orders/repository.py", 'f"There is no order', 'f"Nobody knows order')
    developer.append(f"{BUSINESS}/main.py", "# Version 1.1.0\n")
    text = MIGRATION.format(text="note", revision="core_0002", down="core_0001", upgrade=SAFE)
    developer.write(f"{CORE}/0002_note.py", text)
    delivery.release("1.1.0", "A note for each order")
    with delivery.load() as load:
        time.sleep(2)
        began = time.monotonic()
        done = delivery.deploy("1.1.0")
        took = time.monotonic() - began
        time.sleep(2)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    no_request_was_lost(delivery, load)
    print(f"\nroll-out: {took:.0f} s, {load.requests} requests, {len(load.failures)} failed")
    # Everything was replaced, nothing is left over, and migrations came before the new replicas.
    assert not before & delivery.ids()
    assert [len(delivery.containers(service)) for service in SERVICES] == [2, 2]
    said = done.stdout
    assert said.index("migrating") < said.index("new replicas of data_postgres_api")
    assert said.index("of data_postgres_api") < said.index("new replicas of business_api")
    assert said.index("watching") < said.index("stopping the old replicas")
    assert delivery.of_one_version("data_postgres_api", "outbox_relay")
    assert delivery.no_order().startswith("Nobody knows order")
    assert (
        delivery.sql("SELECT count(*) FROM alembic_version WHERE version_num = 'core_0002'") == "1"
    )
    assert all("1.1.0" in tags for tags in delivery.runs().values())
    assert delivery.stack.project.git("describe", "--tags").strip() == "v1.1.0"


def test_the_same_version_again_changes_nothing(delivery: Delivery) -> None:
    before = {container.id for container in delivery.stack.containers()}
    assert len(before) > 20
    done = delivery.deploy("1.1.0")
    assert done.returncode == 0, done.stderr
    assert "the services run as they are to" in done.stdout
    assert {container.id for container in delivery.stack.containers()} == before


BROKEN = {
    "it does not start": (
        f"{BUSINESS}/main.py",
        "\napp = ",
        '\nraise RuntimeError("broken on purpose")\napp = ',
        "A new replica of business_api has ended",
    ),
    "it answers with errors": (
        f"{BUSINESS}/orders/router.py",
        "    return await orders.list(query)\n",
        '    raise RuntimeError("broken on purpose")\n',
        "requests were answered with an error",
    ),
    "it does not migrate": (
        f"{CORE}/0002_note.py",
        "",
        MIGRATION.format(
            text="broken",
            revision="core_0003",
            down="core_0002",
            upgrade='op.drop_column("orders", "nothing")',
        ),
        'column "nothing" of relation "orders" does not exist',
    ),
}


@pytest.mark.parametrize(
    "how",
    [
        how if how == "it answers with errors" else pytest.param(how, marks=pytest.mark.full)
        for how in BROKEN
    ],
)
def test_a_broken_version_is_taken_back_by_itself(delivery: Delivery, how: str) -> None:
    path, old, new, reason = BROKEN[how]
    developer, version = delivery.developer, f"1.2.{list(BROKEN).index(how)}"
    before, images = delivery.ids(), delivery.current()
    assert any("/postgres:" in each for each in images)
    developer.append("infrastructure/postgres/Dockerfile", f'LABEL version="{version}"\n')
    if old:
        developer.replace(path, old, new)
    else:
        developer.write(f"{CORE}/0003_broken.py", new)
    delivery.release(version, f"Broken: {how}")
    with delivery.load() as load:
        time.sleep(1)
        done = delivery.deploy(version)
        answered = load.requests
        time.sleep(3)
    developer.git("revert", "--no-edit", "HEAD")
    print(f"\n{how}: {load.requests} requests, {len(load.failures)} failed")
    assert done.returncode != 0
    assert reason in done.stderr, done.stderr[-3000:]
    if how == "it answers with errors":
        # Seen by clients for as long as it took to notice, and not a moment longer.
        assert 3 <= len(load.failures) < answered / 2
        assert all("500" in failure for failure in load.failures)
    else:
        assert load.failures == []
    # The very same replicas serve, and the checkout and the names of the images are as before.
    assert delivery.ids() == before
    assert delivery.current() == images
    assert all({"1.1.0", "current"} <= {*tags} for tags in delivery.runs().values())
    assert delivery.stack.project.git("describe", "--tags").strip() == "v1.1.0"
    assert delivery.stack.project.git("status", "--porcelain", "--untracked-files=no") == ""
    with delivery.load() as load:
        time.sleep(1)
    assert load.failures == []


NO_SUCH_FOLDER = """
services:
  reports:
    image: redis:8
    volumes:
      - {type: bind, source: ./nowhere, target: /reports, bind: {create_host_path: false}}
"""


def run_beside(delivery: Delivery, service: str) -> str:
    """Start a container that is of the project, but in none of its files; return its id."""
    labels = {
        "project": delivery.stack.name,
        "service": service,
        "oneoff": "False",
        "container-number": "1",
        "config-hash": "none",
    }
    given = [f"--label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    image = f"{delivery.images}/business_api:current"
    command = ["docker", "run", "--detach", *given, image, "sleep", "600"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.full
def test_a_version_is_taken_back_by_hand(delivery: Delivery) -> None:
    delivery.developer.append(f"{BUSINESS}/main.py", "# Version 1.3.0\n")
    delivery.developer.append("docker-compose.yml", NO_SUCH_FOLDER)
    delivery.release("1.3.0", "One more, beside something that does not start")
    done = delivery.deploy("1.3.0")
    assert done.returncode != 0
    assert "The services run the new version; something else does not start." in done.stderr
    assert "The checkout stays at v1.3.0, which serves." in done.stderr
    assert "1.3.0" in delivery.runs()["business_api"]
    assert delivery.stack.project.git("describe", "--tags").strip() == "v1.3.0"
    with delivery.load() as load:
        done = delivery.make("rollback", "WATCH=3")
    assert done.returncode == 0, done.stderr
    assert load.failures == []
    # Both, though the data service is the same in either version, and was another one before.
    assert all("1.1.0" in tags for tags in delivery.runs().values())
    assert delivery.of_one_version("data_postgres_api", "outbox_relay")
    # And by the pipeline, to a version by its name, with the checkout; what that version does not
    # know, such as the worker of a module that came later, goes.
    later = run_beside(delivery, "business_later")
    assert later in delivery.compose("ps", "--quiet", "--no-trunc")
    done = delivery.develop("deploy-back", "VERSION=1.3.0")
    assert done.returncode == 0, done.stderr
    assert later not in delivery.compose("ps", "--all", "--quiet", "--no-trunc")
    assert "1.3.0" in delivery.runs()["business_api"]
    assert delivery.stack.project.git("describe", "--tags").strip() == "v1.3.0"


@pytest.mark.full
def test_a_version_is_taken_back_although_a_service_does_not_run(delivery: Delivery) -> None:
    ids = [each["Id"] for each in delivery.containers("business_api")]
    subprocess.run(["docker", "stop", "--time", "0", *ids], check=True, capture_output=True)
    done = delivery.make("rollback")
    assert done.returncode == 0, done.stderr
    assert "started where it was" in done.stdout
    assert all("1.1.0" in tags for tags in delivery.runs().values())
    assert [len(delivery.containers(service)) for service in SERVICES] == [2, 2]
    eventually(lambda: delivery.no_order().startswith("Nobody knows order"), seconds=30)
    # And on again, from replicas that run.
    done = delivery.make("rollback", "WATCH=1")
    assert done.returncode == 0, done.stderr
    assert "1.3.0" in delivery.runs()["business_api"]


@pytest.mark.full
def test_a_roll_out_that_is_interrupted_leaves_one_version_behind(delivery: Delivery) -> None:
    before = delivery.ids()
    developer = delivery.developer
    developer.append(f"{BUSINESS}/main.py", "# Version 1.4.0\n")
    delivery.release("1.4.0", "Interrupted")
    deploying = subprocess.Popen(
        ["make", "deploy", "VERSION=1.4.0"],
        cwd=developer.path,
        env=outer_environment() | delivery.settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert deploying.stdout
    for line in deploying.stdout:
        if "new replicas of business_api" in line:
            break
    find = ["pgrep", "-f", "make/rollout.py 1.4.0"]
    for process in subprocess.run(find, capture_output=True, text=True).stdout.split():
        subprocess.run(["kill", "-TERM", process], check=False)
    rest = deploying.stdout.read()
    assert deploying.wait() != 0
    assert "taken back" in rest
    assert delivery.ids() == before


BAD = [
    (("deploy", "VERSION=1.9.9"), {}, "There is no version v1.9.9 in"),
    (("deploy",), {}, "Say which version"),
    (("deploy", "VERSION=one"), {}, "Say which version"),
    (("deploy", "VERSION=1.1.0"), {"DEPLOY_TO": "-oProxyCommand=x"}, "Say where to"),
    (("deploy", "VERSION=1.1.0"), {"DEPLOY_PATH": "/a; rm"}, "DEPLOY_PATH is the folder"),
    (("deploy", "VERSION=1.1.0"), {"DEPLOY_KNOWN_HOSTS": "other ssh-ed25519 AAAA"}, "Host key"),
    (("release", "VERSION=1.0.9"), {}, "v1.0.9 is lower than"),
    (("release", "VERSION=1.1.0"), {}, "is there already"),
    (("release", "VERSION=1.1"), {}, "Say which version"),
]


@pytest.mark.parametrize(("arguments", "settings", "sentence"), BAD)
def test_what_cannot_be_delivered_is_refused(
    delivery: Delivery, arguments: tuple[str, ...], settings: dict[str, str], sentence: str
) -> None:
    before = delivery.ids()
    done = subprocess.run(
        ["make", *arguments],
        cwd=delivery.developer.path,
        env=outer_environment() | delivery.settings | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr
    assert delivery.ids() == before


def test_a_host_that_somebody_has_edited_is_left_alone(delivery: Delivery) -> None:
    project = delivery.stack.project
    project.append("README.md", "Edited on the host.\n")
    try:
        done = delivery.deploy("1.1.0")
        assert done.returncode != 0
        assert "Somebody has changed files on the host" in done.stderr
        assert "README.md" in done.stderr
    finally:
        project.git("checkout", "--quiet", "--", "README.md")


def test_versions_show_what_there_is_to_go_back_to(delivery: Delivery) -> None:
    said = delivery.make("versions").stdout
    assert re.search(r"1\.[13]\.0.*\(runs, 2 replicas\)", said)
    done = delivery.make("rollback", "VERSION=7.7.7")
    assert done.returncode != 0
    assert "7.7.7" in done.stderr
    assert "Nothing was changed" in done.stderr

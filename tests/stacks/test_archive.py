"""Each repository of the archive goes on without the other, with old and new pgBackRest."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from extensions.stages import TEMPLATE
from tests.support.docker import require_docker
from tests.support.http import eventually

POSTGRES = TEMPLATE / "infrastructure/postgres"
REPOSITORIES = {1: "/var/lib/pgbackrest", 2: "/elsewhere"}
# Debian's release has the old one; what apt takes by itself is newer than 2.59.
PACKAGES = {"2.55": "pgbackrest/trixie", "2.60": "pgbackrest"}
VERSIONS = [pytest.param("2.55", marks=pytest.mark.full), "2.60"]
ENVIRONMENT = {
    "NODE": "postgres",
    "PEER": "postgres_standby",
    "PGDATA": "/var/lib/postgresql/data",
    "POSTGRES_USER": "app",
    "POSTGRES_DB": "app",
    "POSTGRES_PASSWORD": "secret",
    "POSTGRES_REPLICATION_PASSWORD": "secret",
    "BACKUP_PASSPHRASE": "secret",
    # A folder instead of a store: what is away is away in the same way.
    "PGBACKREST_REPO2_TYPE": "posix",
    "PGBACKREST_REPO2_PATH": REPOSITORIES[2],
    "PGBACKREST_REPO2_CIPHER_TYPE": "aes-256-cbc",
    "PGBACKREST_REPO2_CIPHER_PASS": "secret",
    "PGBACKREST_REPO2_RETENTION_FULL": "1",
}


def docker(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Node:
    """A primary with an archive in two repositories."""

    container: str

    def run(self, script: str, user: str = "postgres") -> str:
        return docker("exec", "--user", user, self.container, "sh", "-c", script)

    def query(self, statement: str) -> str:
        return self.run(f'psql --quiet --tuples-only --no-align -U app -d app -c "{statement}"')

    def write_segments(self, count: int) -> str:
        """Fill some segments, and return the name of the last one."""
        for _ in range(count):
            last = self.query("SELECT pg_walfile_name(pg_current_wal_lsn())")
            self.query("SELECT pg_logical_emit_message(true, 'x', 'x')")
            self.query("SELECT pg_switch_wal()")
        return last

    def has(self, repository: int, segment: str) -> bool:
        """Whether the repository has a segment; read as root, which may look everywhere."""
        folder = REPOSITORIES[repository]
        return segment in self.run(f"find {folder}/archive/main -type f", user="root")

    def let(self, repository: int, *, answer: bool) -> None:
        """Let a repository answer, or refuse everything."""
        mode = "700" if answer else "000"
        self.run(f"chmod {mode} {REPOSITORIES[repository]}", user="root")


@pytest.fixture(scope="module", params=VERSIONS)
def node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    require_docker()
    name = f"stagecraft-archive-{uuid4().hex[:8]}"
    package = PACKAGES[request.param]
    dockerfile = (POSTGRES / "Dockerfile").read_text().replace(" pgbackrest ", f" {package} ")
    assert f" {package} " in dockerfile
    folder: Path = tmp_path_factory.mktemp("archive")
    (folder / "Dockerfile").write_text(dockerfile)
    docker("build", "--quiet", "--target", "node", "--tag", name, str(folder))
    files = {
        POSTGRES / "scripts": "/opt/cluster",
        POSTGRES / "pg_hba.conf": "/etc/postgresql/pg_hba.conf",
        POSTGRES / "postgresql.conf": "/etc/postgresql/postgresql.conf",
        TEMPLATE / "infrastructure/backup/pgbackrest.conf": "/etc/pgbackrest/pgbackrest.conf",
    }
    try:
        docker(
            *(
                "run",
                "--detach",
                "--init",
                "--name",
                name,
                "--tmpfs",
                "/elsewhere:uid=999,mode=700",
            ),
            *(f"--env={key}={value}" for key, value in ENVIRONMENT.items()),
            *(f"--volume={source}:{target}:ro" for source, target in files.items()),
            *("--entrypoint", "sh", name, "/opt/cluster/node.sh", "postgres"),
        )
        running = Node(name)
        ready = "pg_isready -h 127.0.0.1 -U app -d app >/dev/null && echo yes || :"
        eventually(lambda: running.run(ready) == "yes")
        assert request.param in running.run("pgbackrest version")
        # As the container of the backups does it.
        prepare = ". /opt/cluster/repositories.sh && export PGBACKREST_PG1_PATH=$PGDATA"
        for command in ("stanza-create", "check"):
            running.run(f"{prepare} && pgbackrest --stanza=main {command}")
        first = running.write_segments(1)
        eventually(lambda: running.has(1, first) and running.has(2, first))
        yield running
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True)
        subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True)


@pytest.mark.parametrize(("away", "there"), [(2, 1), (1, 2)])
def test_a_repository_goes_on_without_the_other(node: Node, away: int, there: int) -> None:
    node.let(away, answer=False)
    last = node.write_segments(6)
    # Each new segment has PostgreSQL try again, which otherwise waits a minute.
    eventually(lambda: bool(node.write_segments(1)) and node.has(there, last), seconds=90)
    assert not node.has(away, last)
    failed = "SELECT last_failed_time > coalesce(last_archived_time, '-infinity')"
    assert node.query(f"{failed} FROM pg_stat_archiver") == "t"

    node.let(away, answer=True)
    eventually(lambda: bool(node.write_segments(1)) and node.has(away, last), seconds=120)
    assert not re.search("dropped WAL", docker("logs", node.container))

"""The database of level 1 becomes a pair at level 4, fails over, and is restored.

One project lives through the file: level 1 with an order in it, moved to level 4 over its volume.
"""

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import Stack, require_docker, stack
from tests.support.http import call, eventually
from tests.support.project import Project, start

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
ORDER = {"lines": [LINE]}
NODES = ("postgres", "postgres_standby")


@dataclass(frozen=True)
class Pair:
    """A level 4 system as `make up` starts it, and its two nodes."""

    stack: Stack
    first: str
    callers: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def query(self, node: str, statement: str) -> str:
        return self.stack.sql(statement, node)

    def make(self, *arguments: str, check: bool = True) -> str:
        done = self.stack.project.make(*arguments, check=check, environment=self.stack.environment)
        return done.stdout + done.stderr

    def caller(self, who: str = "ada", role: str = "customer") -> dict[str, str]:
        """The header of somebody's calls, made once for each."""
        if (who, role) not in self.callers:
            said = self.make("--silent", "auth-header", f"WHO={who}", f"ROLES={role}")
            name, value = said.strip().splitlines()[-1].split(": ", 1)
            self.callers[who, role] = {name: value}
        return self.callers[who, role]

    def place(self, caller: dict[str, str] | None = None) -> str:
        """Place an order and return its id."""
        headers = caller or self.caller()
        placed = call("POST", f"{self.stack.business}/api/v1/orders", ORDER, headers=headers)
        assert placed.status == 201, placed
        return str(placed.json["id"])

    def read(self, order: str, caller: dict[str, str]) -> int:
        """Return the status of the answer when the order is read."""
        url = f"{self.stack.business}/api/v1/orders/{order}"
        return call("GET", url, headers=caller).status

    def orders(self, node: str) -> set[str]:
        return set(self.query(node, "SELECT id FROM orders").splitlines())

    def follows(self, node: str) -> bool:
        """Whether the other node streams to this one."""
        other = NODES[NODES[0] == node]
        streaming = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
        return self.query(other, streaming) == node


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    require_docker()
    project = start(tmp_path_factory.mktemp("database") / "shop", Combination(1))
    with stack(project) as running:
        running.up()
        placed = call("POST", f"{running.business}/api/v1/orders", ORDER)
        assert placed.status == 201
        project.lock()
        project.commit("The lock")
        moved = project.make("upgrade", "LEVEL=4")
        assert "To start it: make up" in moved.stderr
        assert "the primary of" in moved.stderr
        project.commit("Level 4")
        # A header of a caller is made once and lasts for all tests.
        project.append(".env", "ISSUER_ACCESS_TOKEN_SECONDS=1500\n")
        running.up()
        yield Pair(running, placed.json["id"])


def test_the_database_of_level_1_is_the_primary_of_a_pair(pair: Pair) -> None:
    assert pair.query("postgres", "SELECT pg_is_in_recovery()") == "f"
    assert pair.query("postgres_standby", "SELECT pg_is_in_recovery()") == "t"
    eventually(lambda: pair.follows("postgres_standby"))
    assert pair.orders("postgres_standby") == {pair.first}
    # What was in the volume before there was an archive is in the first backup.
    eventually(lambda: "full backup" in pair.make("backups"), seconds=60)
    archives = "SELECT last_archived_time > coalesce(last_failed_time, '-infinity')"
    assert pair.query("postgres", f"{archives} FROM pg_stat_archiver") == "t"


def test_the_order_of_level_1_belongs_to_whom_it_did(pair: Pair) -> None:
    assert pair.read(pair.first, pair.caller("customer-1")) == 200
    assert pair.read(pair.first, pair.caller("ada")) == 404
    assert pair.read(pair.first, pair.caller("ada", "staff")) == 200
    assert pair.read(pair.first, {"X-Subject": "customer-1"}) == 401


def test_a_row_appears_on_the_standby_and_can_only_be_read_there(pair: Pair) -> None:
    order = pair.place()
    eventually(lambda: order in pair.orders("postgres_standby"))
    delete = "psql -U app -c 'DELETE FROM orders' 2>&1 || :"
    refused = pair.stack.execute("postgres_standby", "sh", "-c", delete)
    assert "read-only transaction" in refused


def test_the_standby_reads_with_a_user_that_can_do_nothing_else(pair: Pair) -> None:
    slots = "SELECT slot_name FROM pg_replication_slots WHERE active"
    assert pair.query("postgres", slots) == "postgres_standby"
    may = "SELECT rolsuper, rolreplication FROM pg_roles WHERE rolname = '{}'"
    assert pair.query("postgres", may.format("replicator")) == "f|t"
    assert pair.query("postgres", may.format("monitor")) == "f|f"


def test_backups_are_encrypted(pair: Pair) -> None:
    places = ("backup", "sh", "-c")
    # OpenSSL's mark of something that is encrypted with a passphrase.
    mark = pair.stack.execute(*places, "head -c 8 /var/lib/pgbackrest/backup/main/backup.info")
    assert mark == "Salted__"
    # With another passphrase there is nothing but noise, of which pgbackrest shows some.
    info = "PGBACKREST_REPO1_CIPHER_PASS=wrong pgbackrest --stanza=main info 2>&1"
    said = pair.stack.execute(*places, f"{info} | grep --text --only-matching 'unable to load'")
    assert "unable to load" in said


@pytest.mark.full
def test_reads_come_from_the_standby_as_long_as_it_is_fresh(pair: Pair) -> None:
    pair.stack.project.append(
        ".env", "POSTGRES_READ_FROM_STANDBY=on\nPOSTGRES_STANDBY_MAX_LAG=15\n"
    )
    pair.stack.up()
    caller = pair.caller()
    told = "reads come from the standby"
    eventually(lambda: told in "".join(pair.stack.lines("data_postgres_api")), seconds=30)
    eventually(lambda: pair.read(pair.place(caller), caller) == 200)
    pair.query("postgres_standby", "SELECT pg_wal_replay_pause()")
    order = pair.place(caller)
    assert pair.read(order, caller) == 404
    assert pair.read(order, caller | {"Cache-Control": "no-cache"}) == 200
    # What it shows gets older; the other node has to answer before it is too old.
    eventually(lambda: pair.read(order, caller) == 200, seconds=30)
    assert order not in pair.orders("postgres_standby")
    pair.query("postgres_standby", "SELECT pg_wal_replay_resume()")
    eventually(lambda: order in pair.orders("postgres_standby"))
    # And when it hangs, or goes, nobody hears of it.
    pair.stack.pause("postgres_standby")
    assert {pair.read(order, caller) for _ in range(20)} == {200}
    pair.stack.unpause("postgres_standby")
    eventually(lambda: "".join(pair.stack.lines("data_postgres_api")).count(told) > 1)
    pair.stack.kill("postgres_standby")
    assert {pair.read(order, caller) for _ in range(20)} == {200}
    pair.stack.start("postgres_standby")
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("", "Say to when"),
        ("yesterday", 'it is "yesterday"'),
        ("2026-11-23 10:00:00", "Say in which time zone"),
        ("2020-01-01 00:00:00+00", "Repository 1: from 20"),
        ("2999-01-01 00:00:00+00", "The backups reach until now"),
    ],
)
def test_a_time_that_cannot_be_restored_stops_nothing(pair: Pair, to: str, reason: str) -> None:
    before = pair.stack.services()
    said = pair.make("restore", f"TO={to}", check=False)
    assert reason in said
    assert pair.stack.services() == before
    assert pair.first in pair.orders("postgres")


def test_a_restore_goes_back_to_a_time_and_can_be_taken_back(pair: Pair) -> None:
    kept = pair.place()
    now = pair.query("postgres", "SELECT clock_timestamp()")
    pair.query("postgres", "SELECT pg_sleep(1)")
    later = pair.place()
    said = pair.make("restore", f"TO={now}")
    assert {pair.first, kept} <= pair.orders("postgres")
    assert later not in pair.orders("postgres")
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)
    assert later not in pair.orders("postgres_standby")
    pair.place()

    back = re.search(r"To take that back: make (.*)", said)
    assert back, said
    pair.make(*back[1].split())
    assert {pair.first, kept, later} <= pair.orders("postgres")
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("TIMELINE=99", "There is no timeline 99"),
        ("REPOSITORY=2", "There is no backup in repository 2. Try REPOSITORY=1."),
    ],
)
def test_what_there_is_no_backup_of_stops_nothing(pair: Pair, option: str, reason: str) -> None:
    before = pair.stack.services()
    assert reason in pair.make("restore", "TO=latest", option, check=False)
    assert pair.stack.services() == before


def test_two_servers_never_work_on_the_same_files(pair: Pair) -> None:
    with pytest.raises(AssertionError, match="Something else works on the files of postgres"):
        pair.stack.compose("run", "--rm", "--no-deps", "-T", "postgres")
    assert pair.first in pair.orders("postgres")


@pytest.mark.full
def test_a_node_whose_restore_did_not_end_waits_for_another(pair: Pair) -> None:
    there = pair.orders("postgres")
    mark = "/var/lib/postgresql/cluster/postgres.restoring"
    pair.stack.execute("postgres", "touch", mark)
    pair.stack.restart("postgres")
    eventually(lambda: "did not end" in "".join(pair.stack.lines("postgres")[-3:]))
    pair.make("restore", "TO=latest")
    assert pair.orders("postgres") == there
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)


@pytest.mark.full
def test_a_primary_without_its_files_does_not_begin_anew(pair: Pair) -> None:
    there = pair.orders("postgres")
    pair.stack.compose("rm", "--stop", "--force", "postgres", "backup")
    volume = f"{pair.stack.name}_postgres_data"
    subprocess.run(["docker", "volume", "rm", volume], check=True, capture_output=True)
    pair.stack.compose("up", "--detach", "--no-deps", "postgres")
    eventually(lambda: "its files are gone" in "".join(pair.stack.lines("postgres")[-3:]))
    pair.make("promote")
    pair.make("rejoin")
    eventually(lambda: pair.orders("postgres") == there, seconds=60)
    pair.make("promote")
    pair.make("rejoin")
    pair.stack.compose("up", "--detach", "--wait", "--no-deps", "backup")


def test_nothing_is_promoted_that_would_lose_commits(pair: Pair) -> None:
    pair.query("postgres", "ALTER ROLE replicator NOLOGIN")
    pair.query("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    assert "does not follow it" in pair.make("promote", check=False)
    assert pair.query("postgres", "SELECT pg_is_in_recovery()") == "f"
    pair.query("postgres", "ALTER ROLE replicator LOGIN")
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)


def test_a_set_up_that_fails_writes_no_password_to_the_log(pair: Pair) -> None:
    set_to = "ALTER SYSTEM SET default_transaction_read_only = {}"
    pair.query("postgres", set_to.format("on"))
    pair.query("postgres", "SELECT pg_reload_conf()")
    with pytest.raises(AssertionError, match="read-only transaction"):
        pair.stack.compose("run", "--rm", "--no-deps", "-T", "postgres_setup")
    pair.query("postgres", set_to.format("off"))
    pair.query("postgres", "SELECT pg_reload_conf()")
    refused = "cannot execute ALTER ROLE in a read-only transaction"
    eventually(lambda: refused in "".join(pair.stack.lines("postgres")))
    assert "PASSWORD" not in "".join(pair.stack.lines("postgres"))


@pytest.mark.full
def test_a_slot_whose_segments_are_gone_is_made_anew(pair: Pair) -> None:
    state = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'postgres_standby'"
    pair.stack.stop("postgres_standby")
    pair.query("postgres", "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    pair.query("postgres", "SELECT pg_reload_conf()")
    for _ in range(3):
        pair.query("postgres", "SELECT pg_logical_emit_message(true, 'x', 'x'), pg_switch_wal()")
    pair.query("postgres", "CHECKPOINT")
    assert pair.query("postgres", state) == "lost"
    pair.query("postgres", "ALTER SYSTEM RESET max_slot_wal_keep_size")
    pair.query("postgres", "SELECT pg_reload_conf()")
    pair.make("rejoin", "COPY=yes")
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)
    assert pair.query("postgres", state) == "reserved"


@pytest.mark.full
def test_a_standby_is_copied_anew_on_demand(pair: Pair) -> None:
    assert "COPY=yes" in pair.make("rejoin")
    pair.make("rejoin", "COPY=yes")
    assert "Copying the database" in "".join(pair.stack.lines("postgres_standby"))
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)
    shown = pair.make("nodes")
    assert re.search(r"postgres +primary, followed by postgres_standby \(async, streaming\)", shown)
    assert re.search(r"postgres_standby +standby", shown)


def test_a_primary_that_was_replaced_never_comes_back_as_one(pair: Pair) -> None:
    pair.stack.kill("postgres")
    pair.make("promote")
    eventually(lambda: pair.place() in pair.orders("postgres_standby"), seconds=30)
    # There is nobody yet who could confirm a commit, so none waits, whatever the setting.
    setup = ("run", "--rm", "--no-deps", "-T", "--env", "POSTGRES_SYNCHRONOUS=on", "postgres_setup")
    pair.stack.compose(*setup)
    assert pair.query("postgres_standby", "SHOW synchronous_standby_names") == ""
    pair.stack.compose("up", "--detach", "--no-deps", "postgres")
    eventually(lambda: "make rejoin" in "".join(pair.stack.lines("postgres")[-3:]))
    eventually(lambda: "postgres" not in pair.stack.services(), seconds=20)
    # What was killed can be wound back too.
    assert "copied anew" not in pair.make("rejoin")
    # Lower levels would start it, and would not know of the other node's rows.
    refused = pair.make("downgrade", "LEVEL=3", check=False)
    assert "make promote && make rejoin" in refused
    assert pair.stack.project.git("status", "--porcelain") == ""
    pair.make("promote")
    pair.make("rejoin")
    assert pair.orders("postgres") == pair.orders("postgres_standby") != set()


def test_a_commit_waits_for_the_standby_when_it_is_told_to(pair: Pair) -> None:
    setup = ("run", "--rm", "--no-deps", "-T", "--env")
    pair.stack.compose(*setup, "POSTGRES_SYNCHRONOUS=on", "postgres_setup")
    states = "SELECT sync_state FROM pg_stat_replication"
    eventually(lambda: pair.query("postgres", states) == "sync")
    pair.stack.stop("postgres_standby")
    writes = "timeout -s INT 2 psql -U app -c 'UPDATE orders SET version = version'"
    said = pair.stack.execute("postgres", "sh", "-c", f"{writes} 2>&1 || :")
    assert "canceling wait for synchronous replication" in said
    pair.stack.start("postgres_standby")
    eventually(lambda: pair.follows("postgres_standby"), seconds=60)
    pair.stack.compose(*setup, "POSTGRES_SYNCHRONOUS=off", "postgres_setup")


@pytest.mark.full
def test_level_3_finds_a_database_without_a_second_node(pair: Pair) -> None:
    there = pair.orders("postgres")
    pair.make("downgrade", "LEVEL=3")
    pair.stack.project.commit("Level 3")
    pair.stack.up()
    assert pair.orders("postgres") == there
    assert pair.query("postgres", "SELECT count(*) FROM pg_replication_slots") == "0"
    assert pair.query("postgres", "SHOW archive_mode") == "off"
    assert not {"postgres_standby", "backup"} & pair.stack.services()


def test_a_passphrase_that_backups_were_made_with_is_kept(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(4))
    project.make("env", "secrets")
    passphrase = project.read("secrets/backup_passphrase")
    (project.path / ".env").unlink()
    said = project.make("secrets", check=False)
    assert "with which the backups were made" in said.stdout + said.stderr
    assert project.read("secrets/backup_passphrase") == passphrase


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    require_docker()
    project = start(tmp_path_factory.mktemp("drills") / "shop", Combination(4))
    project.make("setup", "certs", "lock")
    # A drill that used what is really there would not find it.
    project.append(".env", "BACKUP_S3_ENDPOINT=real.invalid\n")
    return project


@pytest.fixture(scope="module")
def drills(project: Project) -> dict[str, str]:
    """What both drills said, at the same time on stacks of their own: much of each is waiting."""
    names = ("failover", "restore")
    with ThreadPoolExecutor(len(names)) as pool:
        done = pool.map(lambda name: project.make(f"drill-{name}").stdout, names)
        return dict(zip(names, done, strict=True))


def seconds(cell: str) -> float:
    return float(cell.strip().removesuffix(" s").removeprefix("the last "))


def table(project: Project, name: str) -> list[list[str]]:
    """The rows of a drill's report."""
    lines = project.read(f"reports/drill-{name}.md").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return rows[2:]


def left_behind(project: Project) -> str:
    """What a drill should have removed."""
    return Stack(project, "").compose("ls", "--all", "--quiet", "--filter", "name=drill-")


@pytest.mark.full
def test_the_drill_of_a_failover(
    project: Project, drills: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    asynchronous, synchronous, planned = table(project, "failover")
    with capfd.disabled():
        print(f"\n{drills['failover']}")
    for row in (asynchronous, synchronous, planned):
        assert 0 < seconds(row[1]) < 60
        assert int(row[2]) > 20
    assert synchronous[4] == planned[4] == "0"
    assert left_behind(project) == ""


@pytest.mark.full
def test_the_drill_of_a_restore(
    project: Project, drills: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with capfd.disabled():
        print(f"\n{drills['restore']}")
    mistake, disaster = table(project, "restore")
    assert 0 < seconds(mistake[1]) < 300
    assert 0 < seconds(disaster[1]) < 300
    # A segment is archived when it is a minute old; to write and to send it takes its time too.
    assert 0 <= seconds(disaster[2]) < 75
    assert left_behind(project) == ""
    assert str(Path("reports/drill-restore.md")) in drills["restore"]

"""What backup is due when, what pgBackRest is asked for, and what is told when it fails."""

import json
import re
import subprocess
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import history
import pytest
import scheduler
from prometheus_client import REGISTRY
from scheduler import Failed, Schedule, due

HOUR = 3600.0
START = 1_800_000_000.0  # a time like those of today, in seconds since 1970
OK = {"code": 0, "message": "ok"}
EMPTY = {"code": 2, "message": "no valid backups"}
AWAY = {"code": 99, "message": "[HostConnectError] unable to connect to 's3:443'"}
SCHEDULE = Schedule(full=7 * 24 * HOUR, incremental=6 * HOUR)


def backup(kind: str, stop: float, *, repository: int = 1, error: bool = False) -> dict[str, Any]:
    """One backup as pgBackRest lists it."""
    return {
        "type": kind,
        "error": error,
        "timestamp": {"start": stop - 60, "stop": stop},
        "database": {"repo-key": repository},
        "info": {"repository": {"delta": 1000}},
    }


@pytest.mark.parametrize(
    ("backups", "hours", "kind"),
    [
        pytest.param([], 1000, "full", id="none yet"),
        pytest.param([("full", 0)], 5.9, None, id="a fresh full one"),
        pytest.param([("full", 0)], 6, "incr", id="six hours old"),
        pytest.param([("full", 0), ("incr", 6)], 11, None, id="a fresh one on an old one"),
        pytest.param([("full", 0), ("diff", 6)], 12, "incr", id="all old"),
        pytest.param([("full", 0), ("incr", 167)], 168, "full", id="a full one every week"),
    ],
)
def test_what_is_due(backups: list[tuple[str, int]], hours: float, kind: str | None) -> None:
    made = [backup(type_, START + made_at * HOUR) for type_, made_at in backups]
    assert due(made, SCHEDULE, START + hours * HOUR) == kind


def test_a_backup_of_damaged_pages_is_not_made_again_at_once() -> None:
    damaged = backup("full", START, error=True)
    assert due([damaged], SCHEDULE, START) is None
    assert due([damaged], SCHEDULE, START + 7 * 24 * HOUR) == "full"


@pytest.mark.parametrize(("name", "value"), [("BACKUP_FULL_DAYS", "0"), ("BACKUP_FULL_DAYS", "x")])
def test_a_schedule_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r"above 0|could not convert"):
        Schedule.from_environment()


class Fake:
    """Stands in for the program pgbackrest; keeps what it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, code: int = 0, said: str = "") -> None:
        self.asked: list[list[str]] = []
        self.refuses_second = False
        self.histories: dict[str, str] = {}
        self._code, self._said = code, said
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(
        self, command: list[str], env: dict[str, str], **_: object
    ) -> subprocess.CompletedProcess[str]:
        """Answer as the program does."""
        self.asked.append(command)
        code = 95 if self.refuses_second and "PGBACKREST_REPO2_TYPE" in env else self._code
        error = self._said if code else ""
        asked = next((word.removeprefix("--repo=") for word in command if "--repo=" in word), "")
        said = self.histories[asked] if "repo-ls" in command else self._said
        return subprocess.CompletedProcess(command, code, said, error)


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_backup_that_fails_is_counted_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Fake(monkeypatch, code=82, said="ERROR: [082]: WAL segment was not archived")
    before = sample("backup_failures_total", repository="8") or 0
    scheduler.make("8", "full")
    assert sample("backup_failures_total", repository="8") == before + 1
    assert sample("backup_last_attempt_failed", repository="8") == 1
    assert "WAL segment was not archived" in caplog.text

    fake = Fake(monkeypatch)
    scheduler.make("8", "incr")
    assert fake.asked == [["pgbackrest", "--stanza=main", "--repo=8", "--type=incr", "backup"]]
    assert sample("backup_failures_total", repository="8") == before + 1


def test_a_failure_is_over_with_the_next_backup_whoever_makes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failed(*backups: dict[str, Any]) -> float | None:
        stanza = {"repo": [{"key": 9, "status": OK}], "backup": list(backups)}
        Fake(monkeypatch, said=json.dumps([stanza]))
        scheduler.repositories()
        return sample("backup_last_attempt_failed", repository="9")

    yesterday = backup("full", time.time() - 24 * HOUR, repository=9)
    assert failed(yesterday) == 0
    Fake(monkeypatch, code=82, said="ERROR: [082]: WAL segment was not archived")
    scheduler.make("9", "incr")
    assert failed(yesterday) == 1
    assert failed(yesterday, backup("incr", time.time() + 1, repository=9, error=True)) == 1
    assert failed(yesterday, backup("diff", time.time() + 1, repository=9)) == 0


def test_each_repository_tells_how_old_its_backups_are(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [backup("full", 100.0), backup("incr", 300.0), backup("full", 200.0)]
    stanza = {"repo": [{"key": 1, "status": OK}, {"key": 2, "status": EMPTY}], "backup": listed}
    Fake(monkeypatch, said=json.dumps([stanza]))
    found = scheduler.repositories()
    assert {key: len(backups) for key, backups in found.items()} == {"1": 3, "2": 0}
    name = "backup_last_success_timestamp_seconds"
    assert sample(name, repository="1", type="full") == 200
    assert sample(name, repository="1", type="incr") == 300
    assert sample(name, repository="2", type="full") == 0
    assert sample("backup_repository_bytes", repository="1") == 3000


def test_a_repository_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake(monkeypatch, code=103, said="ERROR: [103]: unable to find a valid repository")
    with pytest.raises(Failed, match="unable to find a valid repository"):
        scheduler.repositories()


def test_a_repository_that_is_away_does_not_stop_the_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    repositories = [{"key": 3, "status": OK}, {"key": 4, "status": AWAY}]
    stanza = {"repo": repositories, "backup": [backup("full", START, repository=3)]}
    Fake(monkeypatch, said=json.dumps([stanza]))
    assert list(scheduler.repositories()) == ["3"]
    assert sample("backup_last_attempt_failed", repository="3") == 0
    assert sample("backup_last_attempt_failed", repository="4") == 1
    assert "repository 4: [HostConnectError]" in caplog.text
    # Nothing is known of it, and that is late, too.
    assert sample("backup_last_success_timestamp_seconds", repository="4", type="full") == 0


def test_the_first_repository_is_enough_to_begin_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scheduler, "ARCHIVING", tmp_path / "archiving")
    monkeypatch.setenv("PGBACKREST_REPO2_TYPE", "s3")
    fake = Fake(monkeypatch, said="unable to connect")
    fake.refuses_second = True
    assert scheduler.prepare() is False
    assert scheduler.ARCHIVING.exists()
    assert [command[-1] for command in fake.asked] == ["stanza-create"] * 2 + ["check"]
    # From then on only the other one is tried, until it is there.
    fake.asked.clear()
    assert scheduler.prepare() is False
    assert [command[-1] for command in fake.asked] == ["stanza-create"]
    fake.refuses_second = False
    assert scheduler.prepare() is True


def test_without_an_archive_there_are_no_backups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scheduler, "ARCHIVING", tmp_path / "archiving")
    fake = Fake(monkeypatch, code=56, said="unable to find primary cluster")
    assert scheduler.prepare() is False
    assert not scheduler.ARCHIVING.exists()
    assert len(fake.asked) == 1


REACH = [
    backup("full", START, repository=2),
    backup("full", START + 5 * HOUR, repository=1, error=True),
    backup("full", START + 9 * HOUR, repository=1),
]


def moment(hours: float) -> str:
    return datetime.fromtimestamp(START + hours * HOUR, UTC).isoformat()


@pytest.mark.parametrize(
    ("to", "repository", "chosen"),
    [
        pytest.param(moment(10), "", "1", id="the first that reaches back"),
        pytest.param(moment(6), "", "2", id="the second, where the first does not"),
        pytest.param(moment(10), "2", "2", id="the one that is asked for"),
        pytest.param("latest", "", "1", id="the latest"),
        pytest.param("latest", "2", "2", id="the latest of the second"),
    ],
)
def test_a_repository_that_reaches_back_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    to: str,
    repository: str,
    chosen: str,
) -> None:
    stanza = {"repo": [{"key": 1, "status": OK}, {"key": 2, "status": OK}], "backup": REACH}
    Fake(monkeypatch, said=json.dumps([stanza]))
    monkeypatch.setattr(history, "datetime", Later)
    history.main(to, repository, "")
    printed = capsys.readouterr().out
    assert printed.startswith(f"{chosen} ")
    assert to == "latest" or printed.endswith("+00")


@pytest.mark.parametrize(
    ("to", "repository", "reason"),
    [
        (moment(-1), "", "Repository 1: from 2027-01-15 17:00:00"),
        (moment(6), "1", "Repository 2: from 2027-01-15 08:00:00"),
        (moment(1000), "", "The backups reach until now"),
        ("latest", "3", "There is no backup in repository 3."),
        ("yesterday", "", 'it is "yesterday"'),
        ("2027-01-15 12:00:00", "", "Say in which time zone"),
    ],
)
def test_what_cannot_be_restored_is_said(
    monkeypatch: pytest.MonkeyPatch, to: str, repository: str, reason: str
) -> None:
    stanza = {"repo": [{"key": 1, "status": OK}, {"key": 2, "status": OK}], "backup": REACH}
    Fake(monkeypatch, said=json.dumps([stanza]))
    monkeypatch.setattr(history, "datetime", Later)
    with pytest.raises(SystemExit, match=re.escape(reason)):
        history.main(to, repository, "")


def test_a_history_that_nobody_knows_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repositories = [{"key": 1, "status": OK}, {"key": 2, "status": OK}]
    fake = Fake(monkeypatch, said=json.dumps([{"repo": repositories, "backup": REACH}]))
    fake.histories = {"1": "17-1/00000002.history\n", "2": "17-1/0000000A.history\n"}
    monkeypatch.setattr(history, "datetime", Later)
    with pytest.raises(SystemExit, match=r"There is no timeline 11; the newest one is 10\."):
        history.main(moment(10), "", "11")
    history.main(moment(10), "", "10")
    assert capsys.readouterr().out.startswith("2 ")


class Later(datetime):
    """A clock that stands at a time after all of these backups."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Later":
        """Return the time in twenty hours from the first backup."""
        return cls.fromtimestamp(START + 20 * HOUR, tz)

"""What backup is due when, what pgBackRest is asked for, and what is told when it fails."""

import json
import subprocess
import time
from typing import Any

import pytest
import scheduler
from prometheus_client import REGISTRY
from scheduler import Failed, Schedule, due

HOUR = 3600.0
START = 1_800_000_000.0  # a time like those of today, in seconds since 1970
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


def test_a_backup_with_errors_is_none() -> None:
    assert due([backup("full", START, error=True)], SCHEDULE, START) == "full"


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
        self._code, self._said = code, said
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        """Answer as the program does."""
        self.asked.append(command)
        error = self._said if self._code else ""
        return subprocess.CompletedProcess(command, self._code, self._said, error)


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
        stanza = {"repo": [{"key": 9}], "backup": list(backups)}
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
    stanza = {"repo": [{"key": 1}, {"key": 2}], "backup": listed}
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

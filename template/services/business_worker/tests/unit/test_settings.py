"""What a setting of the worker is that makes no sense."""

import pytest

from chassis.settings import SettingsError, read_settings
from messaging.reader import ReaderSettings


@pytest.mark.parametrize("value", ["[5 30]", "[]", "[0]", "soon"])
def test_pauses_that_make_no_sense_are_said(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("READER_RETRY_SECONDS", value)
    with pytest.raises(SettingsError, match=r"Check the environment \(\.env\): READER_"):
        read_settings(ReaderSettings)


def test_pauses_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER_RETRY_SECONDS", "[5, 30.5]")
    assert read_settings(ReaderSettings).retry_seconds == (5, 30.5)

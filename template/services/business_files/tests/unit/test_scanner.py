"""The scanner tells verdicts apart, and gives none when clamd does not."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from business_files.scanner import Infected, Scanner, TooLarge
from business_files.settings import ScannerSettings
from business_files.testing import EICAR, FakeClamd, chunks, clamd
from chassis.errors import Unavailable


@pytest.fixture
def fake() -> Iterator[FakeClamd]:
    with clamd() as server:
        yield server


def scanner(port: int, seconds: float = 5) -> Scanner:
    return Scanner(ScannerSettings(host="127.0.0.1", port=port, scan_seconds=seconds))


async def test_clean_content_passes_and_a_virus_does_not(fake: FakeClamd) -> None:
    await scanner(fake.port).check()
    await scanner(fake.port).scan(chunks(b"a", b"b" * 100_000))
    with pytest.raises(Infected, match="Eicar"):
        await scanner(fake.port).scan(chunks(EICAR[:10], EICAR[10:]))


async def test_the_limit_is_no_broken_pipe(fake: FakeClamd) -> None:
    fake.limit = 1000
    with pytest.raises(TooLarge):
        await scanner(fake.port).scan(chunks(*[b"a" * 65_536] * 200))


async def test_silence_is_no_verdict(fake: FakeClamd) -> None:
    fake.answers = False
    with pytest.raises(Unavailable, match="in time"):
        await scanner(fake.port, seconds=0.2).scan(chunks(b"a"))
    with pytest.raises(Unavailable):
        await Scanner(
            ScannerSettings(host="127.0.0.1", port=fake.port, connect_seconds=0.2)
        ).check()


async def test_an_error_is_no_verdict(fake: FakeClamd) -> None:
    fake.fails = True
    with pytest.raises(Unavailable, match="no verdict: Can't allocate"):
        await scanner(fake.port).scan(chunks(b"a"))


async def test_nobody_is_no_verdict() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable, match="reached"):
        await scanner(port).scan(chunks(b"a"))


async def test_an_error_of_the_content_is_raised(fake: FakeClamd) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise FileNotFoundError

    with pytest.raises(FileNotFoundError):
        await scanner(fake.port).scan(broken())


async def test_without_a_scanner_content_is_still_read() -> None:
    seen: list[bytes] = []

    async def content() -> AsyncIterator[bytes]:
        for part in (b"a", b"b"):
            seen.append(part)
            yield part

    await Scanner(ScannerSettings(kind="off")).scan(content())
    assert seen == [b"a", b"b"]

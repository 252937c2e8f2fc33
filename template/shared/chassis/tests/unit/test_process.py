"""A process without HTTP ends when it is told to, and says why it ended otherwise."""

import os
import signal
import subprocess
import sys

SCRIPT = """
from chassis.process import run

async def work(stop):
    print("here", flush=True)
    {}

run("test", work)
"""


def started(line: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(line)],
        env=os.environ | {"METRICS_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_it_ends_when_it_is_told_to() -> None:
    with started("await stop.wait()") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_mistake_is_logged_and_ends_it() -> None:
    with started("raise KeyError('tea')") as process:
        said, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "ended by a mistake" in said
    assert "tea" in said

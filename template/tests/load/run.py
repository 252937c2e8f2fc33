"""Measure the running system, and keep the result or hold it against the one that was kept.

What counts is how many times as long as the calibration endpoint a request takes: a slow or busy
machine makes both slow. `make baseline` keeps these ratios in `tests/load/baseline.json`,
`make load` compares.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BASELINE = Path(__file__).with_name("baseline.json")
REPORT = Path("reports/load.json")
LOG = Path("reports/locust.log")
SECONDS = 12
# On a busy machine it goes on until each request was measured often enough, at most for so long.
LONGEST = 60
USERS = 8
# The ratios of one machine, idle or with every core busy otherwise, differ by up to a fifth.
TOLERANCE = 1.5
# How often it is measured until a busy machine lets every request through, and until a request that
# seems to be slower is not.
ATTEMPTS = 3


def is_busy() -> bool:
    """Return whether the machine has had more to do in the last minute than it has cores."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def send(host: str) -> dict[str, Any]:
    """Send load to `host` and return what failed, and each request's median time."""
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [
            *(sys.executable, "-m", "locust", "--locustfile", "tests/load/locustfile.py"),
            *("--headless", "--only-summary", "--host", f"http://{host}"),
            *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{LONGEST}s"),
        ]
        env = os.environ | {"LOAD_RESULT": str(result), "LOAD_SECONDS": str(SECONDS)}
        print(f"{USERS} users for {SECONDS} seconds; what they do is in {LOG}", flush=True)
        with LOG.open("w") as log:
            subprocess.run(command, env=env, stdout=log, stderr=subprocess.STDOUT, check=False)
        if not result.exists():
            sys.exit(f"The load test measured nothing; {LOG} says why.")
        measured: dict[str, Any] = json.loads(result.read_text())
    return measured


def measure(host: str) -> dict[str, float]:
    """Return the median of each request under load as a multiple of the calibration's."""
    for attempt in range(ATTEMPTS, 0, -1):
        measured = send(host)
        if failures := measured["failures"]:
            said = f"{len(failures)} requests failed, such as {failures[0]}"
        elif seldom := measured["seldom"]:
            said = f"In {LONGEST} seconds these were measured too seldom: {', '.join(seldom)}"
        else:
            break
        if attempt == 1 or not is_busy():
            sys.exit(said)
        print(f"{said}. The machine is too busy to tell; it is measured again.", flush=True)
    times: dict[str, float] = measured["milliseconds"]
    unit = times["calibration"]
    return {
        name: round(time / unit, 2) for name, time in sorted(times.items()) if name != "calibration"
    }


def slower(kept: dict[str, float], now: dict[str, float]) -> list[str]:
    """Return a sentence for each request that takes more than it may."""
    return [
        f"{name}: {now[name]} times the calibration, {kept[name]} in the baseline"
        for name in kept
        if name in now and now[name] > kept[name] * TOLERANCE
    ] + [f"{name}: measured or in the baseline, but not both" for name in kept.keys() ^ now.keys()]


def compare(host: str, kept: dict[str, float]) -> tuple[dict[str, float], list[str]]:
    """Measure, and return each request's lowest ratio and a sentence for each that is slower.

    A real slowdown shows in every measurement; other load on the machine does not.
    """
    now = measure(host)
    for _ in range(ATTEMPTS - 1):
        if now.keys() != kept.keys() or not (problems := slower(kept, now)):
            break
        print(*problems, "This is measured again.", sep="\n", flush=True)
        again = measure(host)
        now = {name: min(ratio, again.get(name, ratio)) for name, ratio in now.items()}
    return now, slower(kept, now)


def record(host: str) -> dict[str, float]:
    """Measure, twice on a busy machine, and return each request's highest ratio.

    With a baseline that is too low by chance, every later run would fail.
    """
    now = measure(host)
    if is_busy():
        print("The machine is busy, so it is measured twice.", flush=True)
        again = measure(host)
        now = {name: max(ratio, again.get(name, ratio)) for name, ratio in now.items()}
    return now


def main() -> None:
    what, host = sys.argv[1], os.environ["BUSINESS_API"]
    sys.path.append(".")
    from tests.journeys import described

    described()
    if host.rpartition(":")[0] != "127.0.0.1":
        sys.exit(f'The business service is not at 127.0.0.1 but at "{host}". Run "make up" first.')
    if what == "compare" and not BASELINE.exists():
        sys.exit(f'There is no {BASELINE.name}: run "make up" and "make baseline", then commit it.')
    REPORT.parent.mkdir(exist_ok=True)
    problems: list[str] = []
    if what == "record":
        now = record(host)
    else:
        now, problems = compare(host, json.loads(BASELINE.read_text()))
    REPORT.write_text(json.dumps(now, indent=2) + "\n")
    for name, ratio in now.items():
        print(f"{name}: {ratio} times as long as the calibration endpoint")
    if what == "record":
        BASELINE.write_text(json.dumps(now, indent=2) + "\n")
        print(f"Kept. Commit it: git add {BASELINE.relative_to(Path.cwd())}")
    elif problems:
        sys.exit("Slower than the baseline, each time:\n" + "\n".join(problems))
    else:
        print(f"No request takes more than {TOLERANCE} times its baseline.")


if __name__ == "__main__":
    main()

"""Hold the running system against what is promised, under the load of one profile.

`make performance PROFILE=load` runs this. What was measured goes to `reports/performance-load.md`,
and what was not kept makes it fail.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from tests.journeys import described
from tests.performance.profiles import NAMES, SOAK, Demand, Phase, phases_of, seconds_in
from tests.performance.verdict import (
    Figures,
    Measured,
    Objectives,
    Request,
    Verdict,
    figures_of,
    grown,
    highest_rate,
    judge,
    percent,
    read_objectives,
)

REPORTS = Path("reports")
# After the last phase what is under way may end; a request has ten seconds.
STOP_SECONDS = 15
# How often a busy machine is measured until it can be told what the system does.
ATTEMPTS = 5
MEMORY = re.compile(r"^process_resident_memory_bytes ([0-9.e+]+)$", re.MULTILINE)

type Memory = Mapping[str, float]


def is_busy() -> bool:
    """Return whether the machine has had more to do in the last minute than it has cores."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def send(profile: str, soak_seconds: int, host: str, log: Path) -> Measured:
    """Send the load of `profile` to `host`, and return what was measured."""
    busy = is_busy()
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [
            *(sys.executable, "-m", "locust", "--locustfile", "tests/performance/locustfile.py"),
            *("--headless", "--only-summary", "--host", f"http://{host}"),
            *("--stop-timeout", str(STOP_SECONDS), "--exit-code-on-error", "0"),
        ]
        env = os.environ | {
            "PROFILE": profile,
            "SOAK_SECONDS": str(soak_seconds),
            "RESULT": str(result),
        }
        with log.open("w") as said:
            done = subprocess.run(command, env=env, stderr=said, check=False)
        if done.returncode or not result.exists():
            sys.exit(f"The load could not be sent; {log} says why.")
        found = json.loads(result.read_text())
    requests = [Request(*made) for made in found["requests"]]
    return Measured(requests, found["readiness"], busy or is_busy())


def memory_of(services: Mapping[str, str]) -> dict[str, float]:
    """Return how many bytes of memory each service holds, which are given by their addresses."""
    found = {}
    for name, address in services.items():
        try:
            with urlopen(f"http://{address}/metrics", timeout=30) as answer:
                metrics = answer.read().decode()
        except OSError as error:
            sys.exit(f"The metrics of {name} at {address} cannot be read: {error}")
        if (held := MEMORY.search(metrics)) is None:
            sys.exit(f"{name} does not say how much memory it holds.")
        found[name] = float(held[1])
    return found


def row(each: Figures) -> str:
    phase = each.phase
    return (
        f"| {phase.name} | {phase.rate} | {each.rate:.1f} | {each.requests} | {each.errors} "
        f"| {each.improper} | {each.p50:.0f} | {each.p95:.0f} | {each.p99:.0f} | {phase.demand} |"
    )


def report(
    profile: str,
    figures: Sequence[Figures],
    objectives: Objectives,
    facts: Sequence[str],
    verdict: Verdict,
) -> str:
    """Return the report in Markdown."""
    passed = not verdict.wrong and not verdict.unclear
    return "\n".join(
        [
            f"# Performance: {profile}\n",
            f"Made by `make performance PROFILE={profile}` on "
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC.\n",
            f"Objectives: {percent(objectives.availability)} without an error, "
            f"{percent(objectives.latency)} within {objectives.seconds} seconds.\n",
            "| Phase | Rate | Requests a second | Requests | Errors | Not refused properly "
            "| p50 ms | p95 ms | p99 ms | What has to hold |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *map(row, figures),
            "",
            *(f"- {fact}" for fact in facts),
            f"- Verdict: {'passed' if passed else 'FAILED'}",
            *(f"  - {sentence}" for sentence in verdict.wrong + verdict.unclear),
            "",
        ]
    )


def asked_for() -> tuple[str, int]:
    """Return the profile, and for how many seconds a soak lasts."""
    parser = argparse.ArgumentParser(prog="make performance")
    parser.add_argument("profile", choices=NAMES)
    parser.add_argument("duration", nargs="?", default="")
    asked = parser.parse_args()
    if not asked.duration:
        return asked.profile, SOAK
    if asked.profile != "soak":
        parser.error("only a soak has a DURATION: the other profiles last as long as they must")
    try:
        return asked.profile, seconds_in(asked.duration)
    except ValueError as error:
        parser.error(str(error))


def measure(profile: str, soak_seconds: int, services: Mapping[str, str]) -> Verdict:
    """Measure once, write the report, and return what did not hold."""
    objectives = read_objectives()
    phases = phases_of(profile, soak_seconds)
    log = REPORTS / f"performance-{profile}.log"
    print(f"{profile}: {length(phases)}; what the users do is in {log}", flush=True)
    before = memory_of(services)
    measured = send(profile, soak_seconds, services["business_api"], log)
    after = memory_of(services)
    verdict = judge(phases, measured, objectives)
    facts = [
        f"Memory of {name}: {held / 2**20:.0f} MB before, {after[name] / 2**20:.0f} MB after"
        for name, held in before.items()
    ]
    if profile == "soak":
        wrong = (*verdict.wrong, *grown(before, after, objectives))
        verdict = Verdict(wrong, verdict.unclear)
    if profile == "stress":
        met = highest_rate(phases, measured, objectives)
        rate = "none of the steps" if met is None else f"{met} requests a second"
        facts.insert(0, f"Highest rate that met the objectives: {rate}")
    if measured.busy:
        facts.append("The machine had more to do than it has cores")
    text = report(profile, figures_of(phases, measured), objectives, facts, verdict)
    path = REPORTS / f"performance-{profile}.md"
    path.write_text(text)
    print(f"\n{text}\nThe report is in {path}.", flush=True)
    return verdict


def length(phases: Sequence[Phase]) -> str:
    counted = sum(phase.seconds for phase in phases if phase.demand is not Demand.NOTHING)
    return f"{sum(phase.seconds for phase in phases)} seconds, {counted} of them count"


def main() -> None:
    profile, soak_seconds = asked_for()
    described()
    services = {name: os.environ[name.upper()] for name in ("business_api", "data_postgres_api")}
    for name, address in services.items():
        if address.rpartition(":")[0] != "127.0.0.1":
            sys.exit(f'{name} is not at 127.0.0.1 but at "{address}". Run "make up" first.')
    REPORTS.mkdir(exist_ok=True)
    # A soak is too long to be made again.
    attempts = 1 if profile == "soak" else ATTEMPTS
    for attempt in range(attempts, 0, -1):
        verdict = measure(profile, soak_seconds, services)
        if verdict.wrong:
            sys.exit("What is promised was not kept:\n" + "\n".join(verdict.wrong))
        if not verdict.unclear:
            return
        if attempt > 1:
            print("The machine is too busy to tell; it is measured again.\n", flush=True)
    sys.exit("The machine is too busy to tell what is kept:\n" + "\n".join(verdict.unclear))


if __name__ == "__main__":
    main()

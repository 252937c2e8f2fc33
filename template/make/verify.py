"""Run the gates of make/gates.toml in order, stop at the first that fails, write the QA report."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

REPORTS = Path("reports")


@dataclass(frozen=True)
class Result:
    """How one gate ended."""

    gate: dict[str, Any]
    passed: bool
    seconds: float

    @property
    def word(self) -> str:
        """A gate without commands is for something that this project does not have."""
        if not self.gate["run"]:
            return "skip"
        return "passed" if self.passed else "FAILED"


def run(gate: dict[str, Any], log: Path, env: dict[str, str]) -> Result:
    """Run the commands of a gate; what they print goes to `log`."""
    start = datetime.now(UTC)
    with log.open("w") as output:
        passed = all(
            subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=env).returncode
            == 0
            for command in gate["run"]
        )
    return Result(gate, passed, (datetime.now(UTC) - start).total_seconds())


def measured() -> list[str]:
    """Return what the tests left behind: how many ran, and what they covered."""
    lines = []
    if (tests := REPORTS / "tests.xml").exists():
        suite = next(ET.parse(tests).getroot().iter("testsuite")).attrib
        bad = int(suite["failures"]) + int(suite["errors"])
        lines.append(f"- Tests: {suite['tests']} run, {bad} failed, {suite['skipped']} skipped")
    if (coverage := REPORTS / "coverage.json").exists():
        percent = json.loads(coverage.read_text())["totals"]["percent_covered"]
        lines.append(f"- Coverage: {percent:.1f} %")
    return lines


def report(plan: dict[str, Any], results: list[Result]) -> str:
    """Return the QA report in Markdown."""
    gates = [
        f"| {result.gate['transition']} | {result.gate['shows']} | "
        f"{result.word} | {result.seconds:.0f} s |"
        for result in results
    ]
    left = [gate["shows"] for gate in plan["gate"][len(results) :]]
    return "\n".join(
        [
            f"# QA report: level {plan['level']}, {plan['name']}",
            "",
            f"Made by `make verify` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
            "",
            "| Transition | Gate | Result | Time |",
            "| --- | --- | --- | --- |",
            *gates,
            "",
            *measured(),
            f"- Coverage that this level asks for: {plan['coverage']} %",
            f"- Not run, because an earlier gate failed: {', '.join(left) or 'nothing'}",
            f"- Not requested: {', '.join(plan['not_requested']) or 'nothing'}",
            f"- The way up: {plan['next']}",
            "",
        ]
    )


def check_apart(env: dict[str, str]) -> str:
    """Return why a second stack would touch the one of development, or nothing."""
    command = ["docker", "compose", "config", "--format", "json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    config = json.loads(done.stdout)
    named = [name for name, service in config["services"].items() if "container_name" in service]
    for name, volume in config.get("volumes", {}).items():
        if volume.get("external") or not volume["name"].startswith(env["COMPOSE_PROJECT_NAME"]):
            named.append(name)
    if named:
        return f"These have a fixed name, so a second stack would share them: {', '.join(named)}"
    return ""


def main() -> int:
    """Return 0 when every gate passed."""
    plan = tomllib.loads(Path("make/gates.toml").read_text())
    # A stack of its own, on free ports: the one of development and its data are left alone.
    env = os.environ | {
        "COMPOSE_PROJECT_NAME": f"verify-{sha256(str(Path.cwd()).encode()).hexdigest()[:12]}",
        "BUSINESS_API_PORT": "0",
        "DATA_API_PORT": "0",
    }
    if shutil.which("docker") is None:
        sys.exit("make verify runs the system, and needs Docker with Compose for that.")
    if reason := check_apart(env):
        sys.exit(reason)
    REPORTS.mkdir(exist_ok=True)
    for old in (*REPORTS.glob("*.log"), REPORTS / "tests.xml", REPORTS / "coverage.json"):
        old.unlink(missing_ok=True)
    results: list[Result] = []
    try:
        for number, gate in enumerate(plan["gate"], start=1):
            log = REPORTS / f"{number}.log"
            result = run(gate, log, env)
            results.append(result)
            print(
                f"{result.word:6} {gate['transition']}  {gate['shows']} ({result.seconds:.0f} s)",
                flush=True,
            )
            if not result.passed:
                print(log.read_text()[-3000:], f"\nThe whole output is in {log}.", file=sys.stderr)
                break
    finally:
        down = ["docker", "compose", "down", "--volumes", "--rmi", "local"]
        subprocess.run(down, env=env, capture_output=True)
    (REPORTS / "qa-report.md").write_text(report(plan, results))
    print("The report is in reports/qa-report.md.")
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())

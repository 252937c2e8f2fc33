"""Run the gates of make/gates.toml in order, stop at the first that fails, write the QA report."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

REPORTS = Path("reports")


def run(gate: dict[str, Any], log: Path, env: dict[str, str]) -> str:
    """Run the commands of a gate into `log`; one without commands is for what is not here."""
    with log.open("w") as output:
        for command in gate["run"]:
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=env)
            if done.returncode != 0:
                return "FAILED"
    return "passed" if gate["run"] else "skip"


def measured() -> Iterator[str]:
    """Yield what the tests left behind: how many ran, and what they covered."""
    if (tests := REPORTS / "tests.xml").exists():
        suite = next(ET.parse(tests).getroot().iter("testsuite")).attrib
        bad = int(suite["failures"]) + int(suite["errors"])
        yield f"- Tests: {suite['tests']} run, {bad} failed, {suite['skipped']} skipped"
    if (coverage := REPORTS / "coverage.json").exists():
        percent = json.loads(coverage.read_text())["totals"]["percent_covered"]
        yield f"- Coverage: {percent:.1f} %"


def report(plan: dict[str, Any], ran: list[str]) -> str:
    """Return the QA report in Markdown; `ran` are the table's lines of the gates that ran."""
    left = ", ".join(gate["shows"] for gate in plan["gate"][len(ran) :])
    return "\n".join(
        [
            f"# QA report: level {plan['level']}, {plan['name']}\n",
            f"Made by `make verify` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.\n",
            "| Transition | Gate | Result | Time |\n| --- | --- | --- | --- |",
            *ran,
            "",
            *measured(),
            f"- Coverage that this level asks for: {plan['coverage']} %",
            f"- Not run, because an earlier gate failed: {left or 'nothing'}",
            f"- Not requested: {', '.join(plan['not_requested']) or 'nothing'}",
            f"- The way up: {plan['next']}\n",
        ]
    )


def check_apart(env: dict[str, str]) -> None:
    """Stop when a second stack would touch the one of development."""
    command = ["docker", "compose", "config", "--format", "json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    config = json.loads(done.stdout)
    named = [name for name, service in config["services"].items() if "container_name" in service]
    for name, volume in config.get("volumes", {}).items():
        if volume.get("external") or not volume["name"].startswith(env["COMPOSE_PROJECT_NAME"]):
            named.append(name)
    if named:
        sys.exit(f"These have a fixed name, so a second stack would share them: {', '.join(named)}")


def main() -> int:
    """Return 0 when every gate passed."""
    plan = tomllib.loads(Path("make/gates.toml").read_text())
    for gate in plan["gate"]:
        if not Path(gate.get("needs", ".")).exists():
            gate |= {"run": [], "shows": f"{gate['shows']}: not proven without {gate['needs']}"}
    # A stack of its own, on free ports: the one of development and its data are left alone.
    ports = re.findall(r"^(\w+_PORT)=", Path(".env.example").read_text(), re.MULTILINE)
    env = os.environ | dict.fromkeys(ports, "0") | dict.fromkeys(plan.get("without", ()), "")
    env["COMPOSE_PROJECT_NAME"] = f"verify-{sha256(str(Path.cwd()).encode()).hexdigest()[:12]}"
    if shutil.which("docker") is None:
        sys.exit("make verify runs the system, and needs Docker with Compose for that.")
    check_apart(env)
    REPORTS.mkdir(exist_ok=True)
    for old in (*REPORTS.glob("*.log"), *REPORTS.glob("*.xml"), REPORTS / "coverage.json"):
        old.unlink(missing_ok=True)
    ran: list[str] = []
    word = ""
    try:
        for number, gate in enumerate(plan["gate"], start=1):
            log, start = REPORTS / f"{number}.log", monotonic()
            word = run(gate, log, env)
            seconds = f"{monotonic() - start:.0f} s"
            ran.append(f"| {gate['transition']} | {gate['shows']} | {word} | {seconds} |")
            print(f"{word:6} {gate['transition']}  {gate['shows']} ({seconds})", flush=True)
            if word == "FAILED":
                print(log.read_text()[-3000:], f"\nThe whole output is in {log}.", file=sys.stderr)
                break
    finally:
        # Both ways: the files of tests add services with images, and hide a volume.
        for purpose in ("FOR=test", "FOR="):
            down = ["make", "--silent", "down", purpose, "FORGET=--volumes --rmi local"]
            subprocess.run(down, env=env, capture_output=True)
    (REPORTS / "qa-report.md").write_text(report(plan, ran))
    print("The report is in reports/qa-report.md.")
    return word == "FAILED"


if __name__ == "__main__":
    sys.exit(main())

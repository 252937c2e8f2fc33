"""Run the parts of the test suite at the same time, and report what all of them cover.

Most tests wait for most of their time: for timeouts, for processes that start, for a part that was
broken on purpose. Called by `make test`; what each part prints is in `reports/test-*.log`.
"""

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

REPORTS = Path("reports")
# The arguments of pytest, by part. The longest part is shown while it runs.
PARTS = {
    "unit": ["services", "shared"],
    "chaos": ["tests/chaos"],
    "system": ["tests", "--ignore=tests/chaos"],
}
SHOWN = "system"
# Services under chaos are processes of their own, which are not measured.
MEASURED = ("unit", "system")


def data_file(part: str) -> str:
    return str(REPORTS / f".coverage.{part}")


def log_of(part: str) -> Path:
    return REPORTS / f"test-{part}.log"


def start(part: str) -> subprocess.Popen[bytes]:
    """Start one part; only what is shown prints to the terminal."""
    runner = ["-m", "pytest"]
    if part in MEASURED:
        runner = ["-m", "coverage", "run", f"--data-file={data_file(part)}", *runner]
    options = ["--no-cov", f"--junit-xml={REPORTS / f'tests-{part}.xml'}", *PARTS[part]]
    command = [sys.executable, *runner, *options]
    if part == SHOWN:
        return subprocess.Popen(command)
    with log_of(part).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def wait(running: dict[str, subprocess.Popen[bytes]]) -> list[str]:
    """Wait for all parts and return those that failed, whose output is printed."""
    failed = []
    try:
        for part in sorted(running, key=lambda part: part != SHOWN):
            if running[part].poll() is None and part != SHOWN:
                print(f"Waiting for the {part} tests; {log_of(part)} shows what they do.")
            code = running[part].wait()
            if part != SHOWN:
                text = log_of(part).read_text(errors="replace").rstrip()
                print(f"{part}: {text if code else text.rpartition(chr(10))[2]}", flush=True)
            if code:
                failed.append(part)
    finally:
        for process in running.values():
            process.kill()
    return failed


def merge() -> None:
    """Make one report of the parts' reports, as one pytest would have written it."""
    files = [file for part in PARTS if (file := REPORTS / f"tests-{part}.xml").exists()]
    suites = [suite for file in files for suite in ET.parse(file).getroot().iter("testsuite")]
    whole = ET.Element("testsuite", name="pytest")
    for key in ("tests", "failures", "errors", "skipped"):
        whole.set(key, str(sum(int(suite.attrib[key]) for suite in suites)))
    for suite in suites:
        whole.extend(list(suite))
    root = ET.Element("testsuites")
    root.append(whole)
    ET.ElementTree(root).write(REPORTS / "tests.xml", encoding="utf-8", xml_declaration=True)


def coverage(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "coverage", *arguments]).returncode


def main() -> None:
    threshold = sys.argv[1]
    REPORTS.mkdir(exist_ok=True)
    begin = time.monotonic()
    failed = wait({part: start(part) for part in PARTS})
    print(f"All parts took {time.monotonic() - begin:.0f} s.", flush=True)
    merge()
    if failed:
        sys.exit(f"These tests failed: {', '.join(failed)}.")
    coverage("combine", "--quiet", *map(data_file, MEASURED))
    coverage("json", "--quiet", "-o", str(REPORTS / "coverage.json"))
    sys.exit(coverage("report", "--skip-covered", f"--fail-under={threshold}"))


if __name__ == "__main__":
    main()

"""Run all benchmarks, print them, and write docs/benchmarks.md."""

import os
import platform
from datetime import UTC, datetime

from benchmarks import render, services, workers
from extensions.stages import ROOT

PARTS = (render.measure, services.measure_requests, services.measure_images, workers.measure)
HEAD = """\
# Benchmarks

Written by `make bench`. Every figure is a ratio against a baseline of the same run, the median over
interleaved rounds: machines differ and are noisy, ratios less so. Requests are made by wrk with 32
connections on the same machine as the services and PostgreSQL, so all of them share its cores.
"""


def main() -> None:
    """Print each result when it is there; the file is written when all are."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    rows = [
        "| What | Against | Measured | Ratio | Aim | Holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    print("\n".join(rows))
    for part in PARTS:
        for result in part():
            rows.append(result.row())
            print(rows[-1], flush=True)
    said = f"Machine: {machine}. Last run: {datetime.now(UTC):%Y-%m-%d}."
    (ROOT / "docs/benchmarks.md").write_text("\n".join([HEAD, said, "", *rows, ""]))


if __name__ == "__main__":
    main()

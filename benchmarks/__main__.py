"""Run all benchmarks, print them, and write docs/benchmarks.md.

`python -m benchmarks services` runs a part and prints it; the file is only ever written whole.
"""

import os
import platform
import sys
import time
from datetime import UTC, datetime

from benchmarks import files, render, services, workers
from extensions.stages import ROOT

PARTS = {
    "render": render.measure,
    "services": services.measure_requests,
    "images": services.measure_images,
    "workers": workers.measure,
    "files": files.measure,
}
HEAD = """\
# Benchmarks

Written by `make bench`. Every figure is a ratio against a baseline of the same run, the median over
interleaved rounds: machines differ and are noisy, ratios less so. Requests are made by wrk with 32
connections on the same machine as the services and PostgreSQL, so all of them share its cores.
"""


def main() -> None:
    """Print each result when it is there; the file is written when all are."""
    asked = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in asked if name not in PARTS]:
        sys.exit(f"There is no benchmark {unknown[0]}. There are: {', '.join(PARTS)}.")
    begin = time.monotonic()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    rows = [
        "| What | Against | Measured | Ratio | Aim | Holds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    print("\n".join(rows))
    for name in asked:
        for result in PARTS[name]():
            rows.append(result.row())
            print(rows[-1], flush=True)
    took = (time.monotonic() - begin) / 60
    print(f"\n{took:.1f} minutes")
    if asked == list(PARTS):
        said = f"Machine: {machine}. Last run: {datetime.now(UTC):%Y-%m-%d}, {took:.0f} minutes."
        (ROOT / "docs/benchmarks.md").write_text("\n".join([HEAD, said, "", *rows, ""]))


if __name__ == "__main__":
    main()

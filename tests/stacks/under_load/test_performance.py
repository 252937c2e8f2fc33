"""The performance tests of level 4 find what is slow and what fails."""

import re
import subprocess
from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import stack
from tests.support.matrix import FULL
from tests.support.project import start

ROUTER = "services/business_api/src/business_api/orders/router.py"
LIST = "    return await orders.list(query)\n"
READ = "    return await orders.get(order_id)\n"
# The others take minutes each.
LONG = ["stress", "spike"] if FULL else []


@pytest.mark.full
def test_what_is_slow_and_what_fails_is_found(tmp_path: Path) -> None:
    project = start(tmp_path / "slow", Combination(4))
    router = project.read(ROUTER)
    assert router.count(LIST) == router.count(READ) == 1
    router = router.replace(LIST, f"    await asyncio.sleep(0.6)\n{LIST}")
    router = router.replace(READ, f"    if order_id.int % 2:\n        raise KeyError\n{READ}")
    router = router.replace('"""\n\n', '"""\n\nimport asyncio\n', 1)
    project.write(ROUTER, router)
    with stack(project) as running:
        environment = running.environment
        project.make("up", "FOR=test", environment=environment)
        done = project.make("performance", "PROFILE=load", environment=environment, check=False)
        for profile in LONG:
            project.make("performance", f"PROFILE={profile}", environment=environment, check=False)
        soak = ("PROFILE=soak", "DURATION=15s")
        project.make("performance", *soak, environment=environment, check=False)
        # What a pipeline has started goes with all its data, and nobody else's does.
        nameless = {"COMPOSE_PROJECT_NAME": ""}
        refused = project.make("discard", environment=nameless, check=False)
        assert refused.returncode == 2
        assert "Say whose" in refused.stdout
        assert running.compose("ps", "--quiet") != ""
        project.make("discard", environment=environment)
        label = f"label=com.docker.compose.project={running.name}"
        for kind, filter_ in (
            ("container", label),
            ("volume", label),
            ("image", f"reference={running.name}-*"),
        ):
            listed = ["docker", kind, "ls", "--quiet", "--filter", filter_]
            left = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
            assert left == "", f"{kind}: {left}"
    assert done.returncode != 0
    assert "What is promised was not kept:" in done.stderr
    assert '"read": 500' in done.stderr
    report = project.read("reports/performance-load.md")
    assert "- Verdict: FAILED" in report
    assert "requests within 0.5 seconds, 99 % are promised" in report
    assert "requests without an error, 99.9 % are promised" in report
    for profile in [*LONG, "soak"]:
        report = project.read(f"reports/performance-{profile}.md")
        assert "- Verdict: FAILED" in report
        assert ("Highest rate that met the objectives: " in report) == (profile == "stress")
    for service in ("business_api", "data_postgres_api"):
        assert re.search(rf"Memory of {service}: \d+ MB before, \d+ MB after", report)

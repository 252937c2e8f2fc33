"""Performance tests of level 4: their objectives are those that are alerted, and they can fail."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from extensions.stages import TEMPLATE, Combination
from tests.support.docker import stack
from tests.support.matrix import FULL
from tests.support.project import Project, start

RULES = TEMPLATE / "infrastructure/prometheus/rules/error-budget.yml"
ROUTER = "services/business_api/src/business_api/orders/router.py"
LIST = "    return await orders.list(query)\n"
READ = "    return await orders.get(order_id)\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return start(tmp_path_factory.mktemp("performance") / "shop", Combination(4))


def test_the_objectives_are_those_that_prometheus_alerts_on(project: Project) -> None:
    objectives = tomllib.loads(project.read("tests/performance/slo.toml"))
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    budgets = {rule["labels"]["slo"]: rule["expr"] for rule in rules}
    assert budgets == {
        name: f"vector(1 - {objectives[name]})" for name in ("availability", "latency")
    }
    assert f'le="{objectives["seconds"]}"' in RULES.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["PROFILE=peak"], 'There is no profile "peak". Say which: make performance PROFILE=load'),
        ([], 'There is no profile "". Say which: make performance PROFILE=load'),
    ],
)
def test_a_profile_that_is_none_is_refused(
    project: Project, arguments: list[str], said: str
) -> None:
    done = project.make("performance", *arguments, check=False)
    assert done.returncode == 2
    assert said in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "address", "said", "code"),
    [
        (["load"], "shop.example:8000", 'business_api is not at 127.0.0.1 but at "shop.ex', 1),
        (["load"], "", 'business_api is not at 127.0.0.1 but at "". Run "make up" first.', 1),
        (["load", "5m"], "127.0.0.1:9", "only a soak has a DURATION", 2),
        (["soak", "5"], "127.0.0.1:9", '"5" is no duration such as 90s, 30m or 2h', 2),
    ],
)
def test_it_goes_nowhere_else_and_says_what_it_does_not_understand(
    project: Project, arguments: list[str], address: str, said: str, code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.performance.run", *arguments],
        cwd=project.path,
        env=os.environ | {"BUSINESS_API": address, "DATA_POSTGRES_API": "127.0.0.1:9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert not (project.path / "reports").exists()


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
        refused = project.make("discard", check=False)
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
    assert '"read an order": 500' in done.stderr
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

"""Performance tests of level 4: their objectives are those that are alerted on."""

import os
import subprocess
import sys
import tomllib

import pytest
import yaml

from extensions.stages import TEMPLATE, Combination
from tests.support.project import Project, start

RULES = TEMPLATE / "infrastructure/prometheus/rules/error-budget.yml"


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

"""The alerts of level 4 by their files: who gets them, what tests them, and what fits together."""

import re
from pathlib import Path

import pytest
import yaml

from extensions.stages import Combination
from tests.support.alerts import RECEIVER_SECRETS, alerts_of
from tests.support.dashboards import metric_names, not_of_the_schema
from tests.support.matrix import ALL
from tests.support.project import Project, start


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A level 4 project that does not run."""
    found = start(tmp_path_factory.mktemp("files") / "shop", Combination(4, ALL))
    found.write(".env", "".join(f"{port}=0\n" for port in ("ALERTMANAGER_PORT", "PROMETHEUS_PORT")))
    found.make("env")
    return found


def test_what_is_kept_back_is_an_alert_that_there_is(project: Project) -> None:
    config = yaml.safe_load(project.read("infrastructure/alertmanager/alertmanager.yml"))
    known = alerts_of(project).keys()
    assert len(config["inhibit_rules"]) >= 5
    for rule in config["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            names = [
                name
                for matcher in rule[side]
                if matcher.startswith("alertname")
                for name in re.sub(r"^alertname=~?", "", matcher).strip('"').split("|")
            ]
            assert names
            assert set(names) <= known


def test_every_alert_fires_in_one_test_and_is_silent_in_another(project: Project) -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    folder = project.path / "infrastructure/prometheus"
    for file in (*folder.glob("*.test.yml"), *(folder / "rules/tests").glob("*.yml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            for each in test["alert_rule_test"]:
                (fires if each.get("exp_alerts") else silent).add(each["alertname"])
    known = alerts_of(project).keys()
    assert fires == known
    assert silent == known - {"Watchdog"}


def test_every_alert_has_a_severity_that_somebody_is_told_of(project: Project) -> None:
    known = alerts_of(project)
    assert len(known) >= 20
    documented = "".join(path.read_text() for path in (project.path / "docs").rglob("*.md"))
    for name, rule in known.items():
        severity = rule["labels"]["severity"]
        assert severity in {"page", "ticket"} or name == "Watchdog"
        annotations = rule["annotations"]
        assert annotations.keys() >= {"summary", "description"}
        if runbook := annotations.get("runbook"):
            assert (project.path / runbook).is_file(), runbook
        assert re.search(rf"^\| `{name}` \|.*\| {severity} \|$", documented, re.MULTILINE), name


def test_what_jaegers_configuration_names_is_defined(project: Project) -> None:
    """Its structure alone: the program itself cannot be had here."""
    config = yaml.safe_load(project.read("infrastructure/jaeger/config.yml"))
    service = config["service"]
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in service["pipelines"].values() for name in pipeline[kind]}
        assert config[kind].keys() == used, kind
    assert list(config["extensions"]) == service["extensions"]
    backends = config["extensions"]["jaeger_storage"]["backends"].keys()
    assert {
        config["extensions"]["jaeger_query"]["storage"]["traces"],
        config["exporters"]["jaeger_storage_exporter"]["trace_storage"],
    } == backends
    # What could end the process comes first, and what is sent together last.
    (pipeline,) = service["pipelines"].values()
    assert pipeline["processors"] == ["memory_limiter", "tail_sampling", "batch"]


def test_jaegers_ports_settings_and_volume_fit_what_is_around_it(project: Project) -> None:
    config = yaml.safe_load(project.read("infrastructure/jaeger/config.yml"))
    (container,) = yaml.safe_load(project.read("infrastructure/jaeger/compose.yml"))[
        "services"
    ].values()
    named = set(re.findall(r"\$\{env:(\w+)\}", project.read("infrastructure/jaeger/config.yml")))
    assert named == container["environment"].keys()
    assert container["ports"][0].endswith(":16686")
    assert config["extensions"]["jaeger_query"]["http"]["endpoint"].endswith(":16686")
    otlp = config["receivers"]["otlp"]["protocols"]
    assert [otlp[kind]["endpoint"] for kind in ("grpc", "http")] == ["0.0.0.0:4317", "0.0.0.0:4318"]
    for name in ("business_api", "data_postgres_api"):
        assert "http://jaeger:4318}" in project.read(f"services/{name}/compose.yml")
    volume = next(v.split(":")[1] for v in container["volumes"] if v.startswith("jaeger_data"))
    badger = config["extensions"]["jaeger_storage"]["backends"]["disk"]["badger"]
    assert not badger["ephemeral"]
    for folder in badger["directories"].values():
        assert Path(folder).is_relative_to(volume)
    scraped = yaml.safe_load(project.read("infrastructure/prometheus/scrape/jaeger.yml"))
    targets = [job["static_configs"][0]["targets"][0] for job in scraped["scrape_configs"]]
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    metrics_port = reader["pull"]["exporter"]["prometheus"]["port"]
    health_port = config["extensions"]["healthcheckv2"]["http"]["endpoint"].split(":")[1]
    assert targets == [f"jaeger:{metrics_port}", f"http://jaeger:{health_port}/status"]


@pytest.mark.parametrize("name", ["database.json", "resilience.json", "security-events.json"])
def test_dashboards_without_grafana_are_of_its_schema(project: Project, name: str) -> None:
    assert not_of_the_schema(project.path / "infrastructure/grafana/dashboards" / name) == []


def test_the_names_of_an_expression_are_found() -> None:
    expression = 'sum by (job) (rate(a_total{b="c d"}[5m])) / on (x) group_left () e:f > 0.2 and g'
    assert metric_names(expression) == {"a_total", "e:f", "g"}


def test_production_is_told_what_nobody_will_be_told_of(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(4))
    said = project.make("--silent", "receivers").stdout
    for setting in RECEIVER_SECRETS:
        assert setting in said
    assert said.count("Nobody") == 3
    project.append(".env", "".join(f"{key}={value}\n" for key, value in RECEIVER_SECRETS.items()))
    assert project.make("--silent", "receivers").stdout == ""
    project.append(".env", "ALERT_SLACK_URL=hooks.slack.com/services/T0/B0/secret\n")
    refused = project.make("--silent", "receivers", check=False)
    assert refused.returncode != 0
    assert "ALERT_SLACK_URL in .env is no address" in refused.stderr
    assert "secret" not in refused.stdout + refused.stderr
    # It is asked before anything is started.
    assert "receivers.sh" in project.make("--dry-run", "prod").stdout.split("up --build")[0]

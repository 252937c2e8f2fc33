"""Law 7 for level 4: what is wrong is found, and told to the right person; traces are kept.

One project lives through most of the file: level 4 from the production files, with a recorder in
the place of PagerDuty, Slack and everybody else. Prometheus and Alertmanager are the real programs.
Jaeger's and Grafana's images cannot be had everywhere: a stand-in takes the spans, and the files of
both are checked by their structure.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from extensions.stages import Combination
from tests.support.dashboards import not_of_the_schema, panels, without_data
from tests.support.docker import Stack, compose_files, require_docker, stack
from tests.support.events import listen
from tests.support.http import call, eventually
from tests.support.matrix import ALL
from tests.support.oauth import Browser, Login
from tests.support.ports import free_port
from tests.support.production import Secured
from tests.support.project import Project, outer_environment, start

PASSWORD = "correct horse battery staple"
LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
ORDER = {"lines": [LINE]}
# Keeps what is posted, with its path and when it came; a GET returns it all.
RECORDER = """\
import http.server, json, time
KEPT = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        KEPT.append({"to": self.path[1:], "at": time.time(), "body": body})
        self.answer(b"ok")
    def do_GET(self):
        self.answer(json.dumps(KEPT).encode())
    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
OVERRIDE = """\
services:
  recorder:
    image: python:3.13-slim
    init: true
    command: [python, /recorder.py]
    ports: ["127.0.0.1::8080"]
    volumes: ["./recorder.py:/recorder.py:ro"]
  telegram:
    image: ${IMAGES:-${COMPOSE_PROJECT_NAME}}/business_bot:current
    pull_policy: never
    command: [python, -m, business_bot.testing, "0.0.0.0"]
  alertmanager:
    ports: ["127.0.0.1::9093"]
  prometheus:
    ports: ["127.0.0.1::9090"]
  jaeger:
    ports: ["127.0.0.1::16686"]
"""
SECRETS = {
    "ALERT_PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    "ALERT_PAGE_WEBHOOK": "http://recorder:8080/page",
    "ALERT_SLACK_URL": "http://recorder:8080/slack",
    "ALERT_TICKET_WEBHOOK": "http://recorder:8080/ticket",
    "ALERT_HEARTBEAT_URL": "http://recorder:8080/heartbeat",
}
RECEIVER_OF = {
    "ALERT_PAGERDUTY_KEY": ("page", "pagerduty_configs", "routing_key_file"),
    "ALERT_PAGE_WEBHOOK": ("page", "webhook_configs", "url_file"),
    "ALERT_SLACK_URL": ("ticket", "slack_configs", "api_url_file"),
    "ALERT_TICKET_WEBHOOK": ("ticket", "webhook_configs", "url_file"),
    "ALERT_HEARTBEAT_URL": ("heartbeat", "webhook_configs", "url_file"),
}


@dataclass(frozen=True)
class Watched(Secured):
    """The system, which tells everything to a recorder."""

    def ask(self, service: str, port: int, path: str) -> Any:
        where = self.compose("port", service, str(port)).strip()
        return call("GET", f"http://{where}{path}").json

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask the running Prometheus."""
        answer = self.ask("prometheus", 9090, f"/api/v1/query?query={quote(expression)}")
        assert answer["status"] == "success", expression
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def raise_alerts(self, *alerts: dict[str, str], seconds: float = 300) -> None:
        """Tell Alertmanager of alerts as Prometheus does; with 0 seconds they are over."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        body = [
            {
                "labels": labels,
                "annotations": {
                    "summary": f"Summary of {labels['alertname']}",
                    "description": f"Description of {labels['alertname']}",
                },
                "endsAt": until.isoformat(),
            }
            for labels in alerts
        ]
        where = self.compose("port", "alertmanager", "9093").strip()
        assert call("POST", f"http://{where}/api/v2/alerts", body).status == 200

    def told(self, alertname: str) -> list[dict[str, Any]]:
        """What the receivers got about an alert."""
        recorded = self.ask("recorder", 8080, "/")
        return [one for one in recorded if alertname in json.dumps(one["body"])]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    require_docker()
    project = start(tmp_path_factory.mktemp("alerts") / "shop", Combination(4, ALL))
    with stack(project) as running:
        http, https = free_port(), free_port()
        # PagerDuty itself is not for tests, so there is no key.
        addresses = {**SECRETS, "ALERT_PAGERDUTY_KEY": ""}
        settings = {
            "PUBLIC_HTTP_PORT": http,
            "PUBLIC_HTTPS_PORT": https,
            "ISSUER_URL": f"https://localhost:{https}",
            "RATE_LIMIT": 1000,
            "RATE_BURST": 1000,
            "WRITE_RATE_LIMIT": 1000,
            "WRITE_RATE_BURST": 1000,
            "BOT_TOKEN": "42:of-tests",
            "BOT_USERS": "[1001]",
            "BOT_API_URL": "http://telegram:8081",
            **addresses,
        }
        project.write(".env", "".join(f"{key}={value}\n" for key, value in settings.items()))
        project.write("recorder.py", RECORDER)
        project.write("docker-compose.override.yml", OVERRIDE)
        project.make("lock")
        project.commit("The lock")
        found = Watched(running, https)
        try:
            project.make("prod", environment=running.environment)
            made = found.make("admin", "LOGIN=ada", given=f"{PASSWORD}\n")
            assert "can log in" in made.stdout, made.stderr
            listen(found.compose)
            yield found
        finally:
            found.compose("down", "--volumes", "--timeout", "0")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A level 4 project that does not run."""
    found = start(tmp_path_factory.mktemp("files") / "shop", Combination(4, ALL))
    found.write(".env", "".join(f"{port}=0\n" for port in ("ALERTMANAGER_PORT", "PROMETHEUS_PORT")))
    found.make("env")
    return found


def rule_files(project: Project) -> list[Path]:
    folder = project.path / "infrastructure/prometheus"
    return [folder / "alerts.yml", *sorted((folder / "rules").glob("*.yml"))]


def alerts_of(project: Project) -> dict[str, dict[str, Any]]:
    return {
        rule["alert"]: rule
        for file in rule_files(project)
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


# --- Who is told: the files ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def tools(project: Project) -> Iterator[Stack]:
    """What runs a single tool of the project's images, and nothing else."""
    with stack(project) as running:
        yield running


def composed(tools: Stack, *secrets: str) -> tuple[dict[str, Any], str]:
    """Alertmanager's configuration as it starts with these secrets, and what is said about it."""
    options = [part for name in secrets for part in ("--env", f"{name}={SECRETS[name]}")]
    script = "sh /etc/alertmanager/start.sh check >&2 && cat /tmp/alertmanager.yml"
    run = ["docker", "compose", "run", "--rm", "--no-deps", "-T", *options]
    done = subprocess.run(
        [*run, "--entrypoint", "sh", "alertmanager", "-c", script],
        cwd=tools.project.path,
        env=outer_environment() | tools.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stderr, "amtool accepts it"
    return yaml.safe_load(done.stdout), done.stderr


@pytest.mark.parametrize(
    "secrets", [(), *((name,) for name in SECRETS), tuple(SECRETS)], ids=" ".join
)
def test_with_any_secrets_there_is_a_configuration(tools: Stack, secrets: tuple[str, ...]) -> None:
    config, said = composed(tools, *secrets)
    items = {
        (receiver["name"], kind, key)
        for receiver in config["receivers"]
        for kind, listed in receiver.items()
        if kind.endswith("_configs")
        for item in listed or []
        for key in item
        if key.endswith("_file")
    }
    assert items == {RECEIVER_OF[name] for name in secrets}
    told = {RECEIVER_OF[name][0] for name in secrets}
    nobody = [name for name in ("page", "ticket", "heartbeat") if name not in told]
    line = f"Nobody is told of alerts that go to: {' '.join(nobody)} (see docs/alerts.md)."
    assert (line in said) == bool(nobody)
    assert ("Nobody is told" in said) == bool(nobody)


def test_production_is_told_what_nobody_will_be_told_of(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(4))
    said = project.make("--silent", "receivers").stdout
    for setting in SECRETS:
        assert setting in said
    assert said.count("Nobody") == 3
    project.append(".env", "".join(f"{key}={value}\n" for key, value in SECRETS.items()))
    assert project.make("--silent", "receivers").stdout == ""
    project.append(".env", "ALERT_SLACK_URL=hooks.slack.com/services/T0/B0/secret\n")
    refused = project.make("--silent", "receivers", check=False)
    assert refused.returncode != 0
    assert "ALERT_SLACK_URL in .env is no address" in refused.stderr
    assert "secret" not in refused.stdout + refused.stderr
    # It is asked before anything is started.
    assert "receivers.sh" in project.make("--dry-run", "prod").stdout.split("up --build")[0]


def test_who_reads_a_new_secret_starts_anew_and_nobody_else(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "shop", Combination(4))
    project.make("secrets")
    assert project.read("secrets/alert_slack_url") == ""
    assert not (project.path / "secrets/.changed").exists()

    def readers(key: str, value: str) -> str:
        project.append(".env", f"{key}={value}\n")
        project.make("secrets")
        assert project.read(f"secrets/{key.lower()}") == value
        compose = "COMPOSE_FILE=$(make --silent files FOR=prod) docker compose"
        script = f"{compose} config --format json | python3 make/readers.py secrets/.changed"
        done = subprocess.run(
            ["sh", "-ec", script], cwd=project.path, capture_output=True, text=True, check=True
        )
        (project.path / "secrets/.changed").unlink()
        return done.stdout.strip()

    assert readers("ALERT_SLACK_URL", SECRETS["ALERT_SLACK_URL"]) == "alertmanager"
    assert readers("BACKUP_S3_KEY", "another") == "backup postgres postgres_standby"
    # What sets it up runs at every start anyway.
    assert readers("POSTGRES_REPLICATION_PASSWORD", "another") == "postgres postgres_standby"
    assert readers("REDIS_PASSWORD", "another") == "business_api redis"


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
    for file in (folder / "alerts.test.yml", *(folder / "rules/tests").glob("*.yml")):
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


def test_make_monitoring_finds_rules_that_do_not_fire(tools: Stack) -> None:
    project, kept = tools.project, {}
    for file, old, new in (
        ("resilience", "> 0.2", "> 0.9"),
        ("error-budget", "1 - 0.999)", "1 - 0.9)"),
        ("database", "> 256 *", "> 99256 *"),
    ):
        path = f"infrastructure/prometheus/rules/{file}.yml"
        kept[path] = project.read(path)
        project.replace(path, old, new)
    try:
        done = project.make("monitoring", environment=tools.environment, check=False)
    finally:
        for path, text in kept.items():
            project.write(path, text)
    assert done.returncode != 0
    failed = set(re.findall(r"^ *alertname: (\w+),", done.stdout + done.stderr, re.MULTILINE))
    assert failed >= {"RetryStorm", "ErrorBudgetBurnsFast", "ReplicationLag"}


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("prometheus/scrape/jaeger.yml", "- job_name: jaeger\n", "- job_nam: x\n", "job_nam"),
        ("alertmanager/alertmanager.yml", "receiver: page", "receiver: pager", "pager"),
        ("alertmanager/alerts.tmpl", "{{range .Alerts}}", "{{rang .Alerts}}", "rang"),
    ],
    ids=lambda value: value if "/" in value else "",
)
def test_make_monitoring_finds_what_is_wrong(
    tools: Stack, file: str, old: str, new: str, reason: str
) -> None:
    project, path = tools.project, f"infrastructure/{file}"
    kept = project.read(path)
    project.replace(path, old, new)
    try:
        done = project.make("monitoring", environment=tools.environment, check=False)
        assert done.returncode != 0
        assert reason in done.stdout + done.stderr
    finally:
        project.write(path, kept)


def test_make_monitoring_is_content_with_what_is_there(tools: Stack) -> None:
    done = tools.project.make("monitoring", environment=tools.environment)
    for file in rule_files(tools.project):
        assert f"/{file.name}" in done.stdout
    assert "rules/tests/error-budget.yml" in done.stdout


# --- Traces: the files --------------------------------------------------------------------------


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


# --- Who is told: the running system ------------------------------------------------------------


def test_nothing_of_it_is_published_in_production(watched: Watched) -> None:
    files = compose_files(watched.stack.project.path, "prod", override=False)
    config = watched.stack.compose(*files, "config", "--format", "json")
    services = json.loads(config)["services"]
    assert {name for name, service in services.items() if service.get("ports")} == {"gateway"}
    for name in ("alertmanager", "jaeger"):
        assert services[name]["read_only"]
        assert services[name]["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory", "pids"}


def test_the_addresses_are_files_and_not_in_the_environment(watched: Watched) -> None:
    (container,) = watched.compose("ps", "--quiet", "alertmanager").split()
    inspected = subprocess.run(["docker", "inspect", container], capture_output=True, text=True)
    assert "recorder" not in inspected.stdout
    assert "recorder" not in watched.compose("logs", "alertmanager")


def test_a_page_and_a_ticket_reach_whom_they_are_for_and_nobody_else(watched: Watched) -> None:
    page = {"alertname": "TestPage", "severity": "page", "job": "a"}
    ticket = {"alertname": "TestTicket", "severity": "ticket", "job": "a"}
    watched.raise_alerts(page | {"instance": "1"}, page | {"instance": "2"}, ticket)

    def all_told() -> bool:
        return bool(watched.told("TestPage")) and len(watched.told("TestTicket")) == 2

    eventually(all_told)
    (paged,) = watched.told("TestPage")
    assert paged["to"] == "page"
    # Two of a kind are one message.
    assert {alert["labels"]["instance"] for alert in paged["body"]["alerts"]} == {"1", "2"}
    ticketed = {one["to"]: one["body"] for one in watched.told("TestTicket")}
    assert ticketed.keys() == {"ticket", "slack"}
    (shown,) = ticketed["slack"]["attachments"]
    assert shown["title"] == "1 firing: TestTicket of a"
    assert shown["text"] == "*Summary of TestTicket*\nDescription of TestTicket\n"
    watched.raise_alerts(page | {"instance": "1"}, page | {"instance": "2"}, ticket, seconds=0)


def test_what_follows_from_something_else_is_kept_back(watched: Watched) -> None:
    cause = {"alertname": "ServiceDown", "severity": "page", "job": "kept_back_service"}
    breaker = {"alertname": "CircuitBreakerOpen", "severity": "page", "job": "kept_back_other"}
    replica = {"alertname": "ReplicaLost", "severity": "ticket", "job": "kept_back_service"}
    # Of another service, so it does not follow.
    other = {"alertname": "ReplicaLost", "severity": "ticket", "job": "kept_back_other"}
    # Only the business service answers through the gateway.
    gateway = {"alertname": "GatewayDown", "severity": "page", "job": "kept_back_gateway"}
    watched.raise_alerts(cause, breaker, replica, other, gateway)

    def told(alertname: str, job: str) -> bool:
        return any(
            alert["labels"]["alertname"] == alertname and alert["labels"]["job"] == job
            for one in watched.told(alertname)
            for alert in one["body"].get("alerts", [])
        )

    # A ticket waits for longer than a page, so what was not kept back would have been told by then.
    eventually(lambda: told("ReplicaLost", "kept_back_other"))
    assert told("ServiceDown", "kept_back_service")
    assert not told("CircuitBreakerOpen", "kept_back_other")
    assert not told("ReplicaLost", "kept_back_service")
    assert told("GatewayDown", "kept_back_gateway")
    watched.raise_alerts(cause, breaker, replica, other, gateway, seconds=0)

    # With a label more, or it would be over when Prometheus says that the real one is.
    cause |= {"job": "business_api", "instance": "kept_back"}
    gateway |= {"job": "kept_back_later"}
    watched.raise_alerts(cause, gateway, breaker | {"alertname": "TestPage"})
    eventually(lambda: told("TestPage", "kept_back_other"))
    assert not told("GatewayDown", "kept_back_later")
    watched.raise_alerts(cause, gateway, breaker | {"alertname": "TestPage"}, seconds=0)


def test_prometheus_finds_alertmanager(watched: Watched) -> None:
    found = watched.ask("prometheus", 9090, "/api/v1/alertmanagers")["data"]
    assert [each["url"] for each in found["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]
    eventually(lambda: [r["value"][1] for r in watched.query('up{job="alertmanager"}')] == ["1"])


# --- What the alerts and dashboards read --------------------------------------------------------


def traffic(watched: Watched) -> None:
    """What makes every counter count: orders, logins, refusals, a token that is used twice."""
    person = Login(Browser(watched.port, watched.context), watched.issuer)
    tokens = person.exchange(person.code("ada", PASSWORD)).json
    Login(Browser(watched.port, watched.context), watched.issuer).fill_in("ada", "wrong")
    customer = watched.make("token", "WHO=bob", "ROLES=customer").stdout.strip()
    order = watched.call("POST", "/api/v1/orders", customer, ORDER)
    assert order.status == 201
    ship = f"/api/v1/orders/{order.json['id']}/ship"
    assert watched.call("POST", ship, customer).status == 403
    staff = watched.make("token", "WHO=eve", "ROLES=staff").stdout.strip()
    assert watched.call("POST", ship.replace("ship", "pay"), staff).status == 200
    assert watched.call("GET", "/api/v1/orders", None).status == 401
    person.refresh(tokens["refresh_token"])
    assert person.refresh(tokens["refresh_token"]).status == 400


def names_in(expression: str) -> set[str]:
    """The metrics that a PromQL expression names."""
    left = re.sub(r'"[^"]*"', "", expression)
    left = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", left)
    left = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", left)
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w|:)(?!\s*\()", left)
    return set(words) - {"and", "or", "unless", "bool", "offset"}


def test_the_names_of_an_expression_are_found() -> None:
    expression = 'sum by (job) (rate(a_total{b="c d"}[5m])) / on (x) group_left () e:f > 0.2 and g'
    assert names_in(expression) == {"a_total", "e:f", "g"}


def test_every_metric_that_is_named_is_there(watched: Watched) -> None:
    project = watched.stack.project
    dashboards = panels(project.path / "infrastructure/grafana/dashboards")
    asked = [expression for each in dashboards.values() for expression in each]
    for file in rule_files(project):
        for group in yaml.safe_load(file.read_text())["groups"]:
            asked += [rule["expr"] for rule in group["rules"]]
    named = set().union(*map(names_in, asked))
    assert len(named) >= 25
    traffic(watched)

    def missing() -> set[str]:
        known = watched.ask("prometheus", 9090, "/api/v1/label/__name__/values")["data"]
        return named - set(known)

    try:
        eventually(lambda: not missing(), seconds=120)
    except AssertionError:
        pytest.fail(f"nobody has these metrics: {sorted(missing())}")


def test_every_new_panel_without_grafana_has_data_after_some_traffic(watched: Watched) -> None:
    folder = watched.stack.project.path / "infrastructure/grafana/dashboards"
    assert len(panels(folder)) >= 25
    assert without_data(folder, watched.query, partial(traffic, watched)) == []


def test_what_happens_shows_in_the_counters(watched: Watched) -> None:
    counters = {
        'sum(logins_total{action="login", outcome="refused"})': 1,
        'sum(tokens_reused_total{kind="refresh token"})': 1,
        'sum(requests_refused_total{reason="not permitted"})': 1,
        'sum(requests_refused_total{reason="no token"})': 1,
    }

    def values() -> dict[str, float]:
        return {
            expression: float(found[0]["value"][1])
            for expression in counters
            if (found := watched.query(expression))
        }

    time.sleep(16)  # what other tests have done has been scraped
    before = values()
    traffic(watched)
    expected = {expression: before[expression] + more for expression, more in counters.items()}
    eventually(lambda: values() == expected)


def test_spans_arrive_at_a_stand_in_of_jaeger_with_the_default_settings(watched: Watched) -> None:
    token = watched.make("token", "WHO=bob", "ROLES=customer").stdout.strip()
    for _ in range(200):  # one in ten is recorded
        assert watched.call("GET", "/api/v1/orders", token).status == 200

    def is_there() -> bool:
        traces = watched.ask("jaeger", 16686, "/api/traces?service=business_api")["data"]
        both = [
            {span["service"] for span in trace["spans"]} >= {"business_api", "data_postgres_api"}
            for trace in traces
        ]
        return any(both)

    eventually(is_there)


# --- From what is wrong to who is told ----------------------------------------------------------


def test_somebody_is_woken_when_redis_is_away(watched: Watched) -> None:
    watched.compose("pause", "redis")
    try:
        # Two scrapes, half a minute that it lasts, and ten seconds for others of its kind.
        eventually(partial(_is_paged, watched, "RedisUnreachable"), seconds=120)
    finally:
        watched.compose("unpause", "redis")


def _is_paged(watched: Watched, alertname: str) -> bool:
    return any(one["to"] == "page" for one in watched.told(alertname))


def test_the_heartbeat_beats_each_minute(watched: Watched) -> None:
    def beats() -> list[float]:
        return [one["at"] for one in watched.told("Watchdog")]

    eventually(lambda: len(beats()) >= 3, seconds=240)
    assert {one["to"] for one in watched.told("Watchdog")} == {"heartbeat"}
    first, second, *_ = beats()[-2:]
    assert 50 < second - first < 75

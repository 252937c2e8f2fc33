"""Alerts, metrics and traces on the running system: what is wrong is found and reaches a person.

A recorder receives what PagerDuty, Slack and the others would. Prometheus and Alertmanager are the
real programs. Images of Jaeger and Grafana cannot be had everywhere: a stand-in takes the spans,
and each panel's query is sent to Prometheus.
"""

import json
import time
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

import pytest
import yaml

from tests.stacks.level_4.system import PASSWORD, System, started_at
from tests.support.alerts import rule_files
from tests.support.dashboards import metric_names, panels, without_data
from tests.support.docker import compose_files
from tests.support.edge import ORDER
from tests.support.http import call, eventually
from tests.support.oauth import Browser, Login


def test_nothing_of_it_is_published_in_production(system: System) -> None:
    files = compose_files(system.stack.project.path, "prod", override=False)
    config = system.stack.compose(*files, "config", "--format", "json")
    services = json.loads(config)["services"]
    assert {name for name, service in services.items() if service.get("ports")} == {"gateway"}
    for name in ("alertmanager", "jaeger"):
        assert services[name]["read_only"]
        assert services[name]["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory", "pids"}


def test_the_addresses_are_files_and_not_in_the_environment(system: System) -> None:
    (container,) = system.stack.containers("alertmanager")
    assert "recorder" not in json.dumps(container.attrs)
    assert "recorder" not in system.stack.printed("alertmanager")


def test_a_page_and_a_ticket_reach_whom_they_are_for_and_nobody_else(system: System) -> None:
    page = {"alertname": "TestPage", "severity": "page", "job": "a"}
    ticket = {"alertname": "TestTicket", "severity": "ticket", "job": "a"}
    system.raise_alerts(page | {"instance": "1"}, page | {"instance": "2"}, ticket)

    def all_told() -> bool:
        return bool(system.notified("TestPage")) and len(system.notified("TestTicket")) == 2

    eventually(all_told)
    (paged,) = system.notified("TestPage")
    assert paged["to"] == "page"
    # Two of a kind are one message.
    assert {alert["labels"]["instance"] for alert in paged["body"]["alerts"]} == {"1", "2"}
    ticketed = {one["to"]: one["body"] for one in system.notified("TestTicket")}
    assert ticketed.keys() == {"ticket", "slack"}
    (shown,) = ticketed["slack"]["attachments"]
    assert shown["title"] == "1 firing: TestTicket of a"
    assert shown["text"] == "*Summary of TestTicket*\nDescription of TestTicket\n"
    system.raise_alerts(page | {"instance": "1"}, page | {"instance": "2"}, ticket, seconds=0)


def test_what_follows_from_something_else_is_kept_back(system: System) -> None:
    cause = {"alertname": "ServiceDown", "severity": "page", "job": "kept_back_service"}
    breaker = {"alertname": "CircuitBreakerOpen", "severity": "page", "job": "kept_back_other"}
    replica = {"alertname": "ReplicaLost", "severity": "ticket", "job": "kept_back_service"}
    # Of another service, so it does not follow.
    other = {"alertname": "ReplicaLost", "severity": "ticket", "job": "kept_back_other"}
    # Only the business service answers through the gateway.
    gateway = {"alertname": "GatewayDown", "severity": "page", "job": "kept_back_gateway"}
    system.raise_alerts(cause, breaker, replica, other, gateway)

    def told(alertname: str, job: str) -> bool:
        return any(
            alert["labels"]["alertname"] == alertname and alert["labels"]["job"] == job
            for one in system.notified(alertname)
            for alert in one["body"].get("alerts", [])
        )

    # A ticket waits for longer than a page, so what was not kept back would have been told by then.
    eventually(lambda: told("ReplicaLost", "kept_back_other"))
    assert told("ServiceDown", "kept_back_service")
    assert not told("CircuitBreakerOpen", "kept_back_other")
    assert not told("ReplicaLost", "kept_back_service")
    assert told("GatewayDown", "kept_back_gateway")
    system.raise_alerts(cause, breaker, replica, other, gateway, seconds=0)

    # With a label more, or it would be over when Prometheus says that the real one is.
    cause |= {"job": "business_api", "instance": "kept_back"}
    gateway |= {"job": "kept_back_later"}
    system.raise_alerts(cause, gateway, breaker | {"alertname": "TestPage"})
    eventually(lambda: told("TestPage", "kept_back_other"))
    assert not told("GatewayDown", "kept_back_later")
    system.raise_alerts(cause, gateway, breaker | {"alertname": "TestPage"}, seconds=0)


def test_every_target_is_scraped(system: System) -> None:
    folder = system.stack.project.path / "infrastructure/prometheus"
    files = [folder / "prometheus.yml", *(folder / "scrape").glob("*.yml")]
    files += (folder / "production").glob("*.yml")
    jobs = {
        job["job_name"]: job
        for file in files
        for job in yaml.safe_load(file.read_text()).get("scrape_configs", [])
    }

    # The stand-in of Jaeger has no metrics.
    del jobs["jaeger"]

    def targets(how: str) -> dict[str, str]:
        found = system.query(f'{how} by (job) (up{{job!="jaeger"}})')
        return {r["metric"]["job"]: r["value"][1] for r in found}

    with suppress(AssertionError):
        eventually(lambda: targets("min") == dict.fromkeys(jobs, "1"))
    assert targets("min") == dict.fromkeys(jobs, "1")
    eventually(lambda: {r["value"][1] for r in system.query("probe_success")} == {"1"})
    replicas = targets("sum")
    for job in ("business_api", "data_postgres_api", "business_worker"):
        assert int(replicas[job]) >= 2
    # RabbitMQ has to stop taking messages before its container is ended for its memory.
    (limit,) = system.query("rabbitmq_resident_memory_limit_bytes")
    assert float(limit["value"][1]) == 600_000_000
    (expiry,) = system.query("(probe_ssl_earliest_cert_expiry - time()) / 86400")
    assert 363 < float(expiry["value"][1]) < 366


def test_prometheus_finds_alertmanager(system: System) -> None:
    found = system.ask("prometheus", 9090, "/api/v1/alertmanagers")["data"]
    assert [each["url"] for each in found["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]
    eventually(lambda: [r["value"][1] for r in system.query('up{job="alertmanager"}')] == ["1"])


def traffic(system: System) -> None:
    """What makes every counter count: orders, logins, refusals, a token that is used twice."""
    person = Login(Browser(system.port, system.context), system.issuer)
    tokens = person.exchange(person.code("ada", PASSWORD)).json
    Login(Browser(system.port, system.context), system.issuer).fill_in("ada", "wrong")
    customer = system.token("bob", "customer")
    order = system.call("POST", "/api/v1/orders", customer, ORDER)
    assert order.status == 201
    ship = f"/api/v1/orders/{order.json['id']}/ship"
    assert system.call("POST", ship, customer).status == 403
    staff = system.token("eve", "staff")
    assert system.call("POST", ship.replace("ship", "pay"), staff).status == 200
    assert system.call("GET", "/api/v1/orders", None).status == 401
    person.refresh(person.refresh(tokens["refresh_token"]).json["refresh_token"])
    assert person.refresh(tokens["refresh_token"]).status == 400
    upload(system, customer)


def upload(system: System, token: str) -> None:
    """Upload a file through the gateway, and read it once it is ready."""
    content = b"What is in a file."
    new = {"filename": "a.txt", "content_type": "text/plain", "purpose": "document"}
    announced = system.call("POST", "/api/v1/uploads", token, {**new, "size": len(content)})
    assert announced.status == 201, announced
    link = urlsplit(announced.json["url"])
    sent = call(
        "PUT",
        f"{system.issuer}{link.path}?{link.query}",
        raw=content,
        headers={"Content-Type": "text/plain"},
        context=system.context,
    )
    assert sent.status == 202, sent
    path = f"/api/v1/files/{announced.json['id']}"
    eventually(lambda: system.call("GET", path, token).json["state"] == "ready")
    assert system.call("GET", f"{path}/content", token).text == content.decode()


def test_every_metric_that_is_named_is_there(system: System) -> None:
    project = system.stack.project
    dashboards = panels(project.path / "infrastructure/grafana/dashboards")
    asked = [expression for each in dashboards.values() for expression in each]
    for file in rule_files(project):
        for group in yaml.safe_load(file.read_text())["groups"]:
            asked += [rule["expr"] for rule in group["rules"]]
    named = set().union(*map(metric_names, asked))
    assert len(named) >= 25
    traffic(system)

    def missing() -> set[str]:
        known = system.ask("prometheus", 9090, "/api/v1/label/__name__/values")["data"]
        return named - set(known)

    try:
        eventually(lambda: not missing(), seconds=120)
    except AssertionError:
        pytest.fail(f"nobody has these metrics: {sorted(missing())}")


def test_every_new_panel_without_grafana_has_data_after_some_traffic(system: System) -> None:
    folder = system.stack.project.path / "infrastructure/grafana/dashboards"
    assert len(panels(folder)) >= 25
    assert without_data(folder, system.query, partial(traffic, system)) == []


def test_what_happens_shows_in_the_counters(system: System) -> None:
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
            if (found := system.query(expression))
        }

    time.sleep(16)  # what other tests have done has been scraped
    before = values()
    traffic(system)
    expected = {expression: before[expression] + more for expression, more in counters.items()}
    eventually(lambda: values() == expected)


def test_spans_arrive_at_a_stand_in_of_jaeger(system: System) -> None:
    assert system.call("GET", "/api/v1/orders", system.token("bob", "customer")).status == 200

    def is_there() -> bool:
        traces = system.ask("jaeger", 16686, "/api/traces?service=business_api")["data"]
        both = [
            {span["service"] for span in trace["spans"]} >= {"business_api", "data_postgres_api"}
            for trace in traces
        ]
        return any(both)

    eventually(is_there)


# --- From the failure to the person -------------------------------------------------------------


def test_a_page_is_sent_when_redis_is_away(system: System) -> None:
    system.stack.pause("redis")
    try:
        # Two scrapes, half a minute that it lasts, and ten seconds for others of its kind.
        eventually(partial(_is_paged, system, "RedisUnreachable"), seconds=120)
    finally:
        system.stack.unpause("redis")


def _is_paged(system: System, alertname: str) -> bool:
    return any(one["to"] == "page" for one in system.notified(alertname))


def test_the_heartbeat_beats_each_minute(system: System) -> None:
    def beats() -> list[float]:
        return [one["at"] for one in system.notified("Watchdog")]

    # Most of them have come while the other tests ran.
    eventually(lambda: len(beats()) >= 3, seconds=240)
    assert len(beats()) >= (time.time() - started_at(system.stack)) / 60 - 3
    assert {one["to"] for one in system.notified("Watchdog")} == {"heartbeat"}
    first, second, *_ = beats()[-2:]
    assert 50 < second - first < 75

"""The logs of the running system: every line of every container fits where it gets.

Real services, in real containers of a real Docker, write the lines; what Filebeat, Logstash and
Elasticsearch make of them is interpreted (`tests/support/collector.py`). Their containers are
stubs, which show that they are wired.
"""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.stacks.level_4.system import System
from tests.support.collector import SERVICES, TEXT, Collector, Printed
from tests.support.docker import service_of
from tests.support.edge import ORDER
from tests.support.elastic import WELL
from tests.support.http import eventually

# What prints here as it does with the official images; the others are stand-ins.
FAITHFUL = {
    "backup",
    "business_api",
    "business_bot",
    "business_worker",
    "data_postgres_api",
    "gateway",
    "migrate",
    "outbox_relay",
    "postgres",
    "postgres_standby",
    "redis",
}


def make_lines(system: System) -> None:
    """Let the services log each kind of line: requests, refusals, failures, an open breaker."""
    token = system.token("ada", "customer", "staff")

    def ask(status: int, method: str, path: str, body: object = None, by: str = token) -> None:
        answer = system.call(method, f"/api/v1/orders{path}", by, body)
        assert answer.status == status, answer.text

    ask(201, "POST", "", ORDER)
    ask(200, "GET", "")
    ask(401, "GET", "", by="made.up.token")
    ask(404, "GET", "/00000000-0000-4000-8000-000000000000")
    ask(422, "POST", "", {"lines": [{"sku": "\ud83d"}]})
    system.stack.sql("ALTER TABLE orders RENAME TO away")
    try:
        assert system.call("GET", "/api/v1/orders", token).status >= 500
    finally:
        system.stack.sql("ALTER TABLE away RENAME TO orders")
    system.stack.stop("data_postgres_api", timeout=5)
    for _ in range(16):
        ask(503, "GET", "")
    system.stack.start("data_postgres_api")
    eventually(lambda: system.call("GET", "/api/v1/orders", token).status == 200)
    system.stack.restart("business_api", timeout=5)


@pytest.fixture(scope="module")
def printed(system: System) -> list[Printed]:
    """Every line of the containers whose logs are collected, as Docker keeps it."""
    make_lines(system)
    found = []
    for container in system.stack.containers():
        if service_of(container) in {*WELL, "recorder", "telegram", "vault"}:
            continue
        show = ["docker", "logs", "--details", str(container.id)]
        done = subprocess.run(show, check=True, capture_output=True)
        for line in (done.stdout + done.stderr).decode(errors="replace").split("\n")[:-1]:
            details, _, text = line.partition(" ")
            pairs = (pair.partition("=") for pair in details.split(",") if pair)
            found.append(Printed(text, {name: value for name, _, value in pairs}))
    return found


@pytest.fixture(scope="module")
def collector(system: System) -> Collector:
    return Collector.of(system.stack.project.path)


def test_docker_says_beside_each_line_whose_it_is(
    system: System, printed: list[Printed], collector: Collector
) -> None:
    assert len(printed) > 40
    assert [p for p in printed if not collector.reads(p, system.stack.name)] == []
    assert not any(collector.reads(p, "another") for p in printed)
    formats = {
        (p.attributes["com.docker.compose.service"], p.attributes.get("logs.format"))
        for p in printed
    }
    services = json.loads(system.compose("config", "--format", "json"))["services"]
    json_lines = {
        name for name, of in services.items() if of.get("labels", {}).get("logs.format") == "json"
    }
    assert json_lines >= {"backup", "business_api", "data_postgres_api", "migrate"}
    assert {name for name, kind in formats if kind == "json"} == json_lines
    assert {name for name, kind in formats if kind is None} >= {
        "gateway",
        "postgres",
        "postgres_standby",
        "rabbitmq",
        "redis",
    }


def test_every_line_that_the_services_write_fits_the_mapping(
    printed: list[Printed], collector: Collector
) -> None:
    found = [collector.collect(each) for each in printed]
    for each, sorted_line in zip(printed, found, strict=True):
        text = each.attributes.get("logs.format") != "json"
        assert sorted_line.stream == (TEXT if text else SERVICES), each
        assert sorted_line.indexed.ignored == set(), each
        assert sorted_line.indexed.unmapped == set(), each
        assert sorted_line.document["message"] == each.line
        assert "tags" not in sorted_line.document, each
        if not text:
            moment = json.loads(each.line)["timestamp"]
            assert sorted_line.document["@timestamp"] == re.sub(r"(\.\d{3})\d*", r"\1", moment)
            assert {"level", "logger", "service", "event"} <= sorted_line.indexed.searchable
    # The lines are of all kinds that there are, or the above says little.
    searchable = set().union(*(each.indexed.searchable for each in found))
    unseen = set(dict(collector.mapping(SERVICES).fields())) - searchable
    assert unseen <= {"extra", "tags", "exception.exc_notes"}
    assert searchable >= {"extra.audit_sequence", "extra.audit_hash", "extra.stamina.caused_by"}
    routes = {each.document.get("route") for each in found}
    assert routes >= {"/api/v1/orders", "/api/v1/orders/{id}"}
    services = Counter(e.document.get("service") for e in found if e.stream == SERVICES)
    assert services["business_api"] > 10
    assert services["data_postgres_api"] > 10


def test_every_file_is_read_and_no_two_begin_alike(
    printed: list[Printed], collector: Collector
) -> None:
    (reader,) = collector.filebeat["filebeat.inputs"]
    length = reader["prospector.scanner.fingerprint"]["length"]
    files: dict[str, str] = {}
    for each in printed:
        name = each.attributes["com.docker.compose.service"]
        if name not in FAITHFUL:
            continue
        # As Docker writes it.
        entry = {"log": f"{each.line}\n", "stream": "stdout", "attrs": each.attributes}
        line = json.dumps(entry | {"time": "2026-11-23T12:00:00.123456789Z"}, separators=(",", ":"))
        files[name] = files.get(name, "") + line + "\n"
    assert files.keys() == FAITHFUL
    for name, text in files.items():
        assert len(text) >= length, name
        # A moment, or the id of a request.
        assert re.search(r"\d\d:\d\d:\d\d\.\d{3}|[0-9a-f]{32}", text[:length]), name


def test_with_stubs_the_containers_run_and_show_no_secret(system: System) -> None:
    values = dict(
        line.split("=", 1)
        for line in (system.stack.project.path / ".env").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert system.stack.states().items() >= WELL.items()
    for name in WELL:
        (container,) = system.stack.containers(name)
        assert not any(container.attrs["NetworkSettings"]["Ports"].values())
        environment = "\n".join(container.attrs["Config"]["Env"])
        for secret in ("ELASTIC", "KIBANA", "LOGSTASH"):
            assert values[f"{secret}_PASSWORD"] not in environment
        assert values["KIBANA_ENCRYPTION_KEY"] not in environment
        assert container.attrs["HostConfig"]["Memory"] > 0
        assert container.attrs["HostConfig"]["CapDrop"] == ["ALL"]
    # Prometheus scrapes /metrics within the network, and in production it is configured to.
    wired = json.loads(system.compose("config", "--format", "json"))["services"]["prometheus"]
    (scraped,) = (v for v in wired["volumes"] if v["target"] == "/etc/production")
    asked = yaml.safe_load((Path(scraped["source"]) / "logs.yml").read_text())
    for target in asked["scrape_configs"][0]["static_configs"][0]["targets"]:
        opened = f"import urllib.request as r; print(r.urlopen({target!r}).status)"
        said = system.stack.execute("backup", "python3", "-c", opened)
        assert said.strip() == "200", target

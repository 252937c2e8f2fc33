"""Level 3 alone: what `make prod` starts there, over the data of level 2.

The shared stack of level 4 shows the same of everything that both have, so these tests are run by
`make matrix-full`.
"""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.dashboards import panels, without_data
from tests.support.edge import ORDER, Edge
from tests.support.http import eventually

pytestmark = pytest.mark.full


def query(edge: Edge, expression: str) -> list[dict[str, Any]]:
    """Ask the running Prometheus."""
    url = f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"
    answer = json.loads(edge.stack.execute("prometheus", "wget", "-qO-", url))
    assert answer["status"] == "success"
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


@pytest.fixture(scope="module")
def telegram(edge_of_level_3: Edge) -> Iterator[None]:
    """Somebody for the bot to talk to: the server of its own package."""
    running = edge_of_level_3.stack
    (bot,) = running.containers("business_bot")
    image = bot.attrs["Image"]
    place = ["--network", f"{running.name}_default", "--network-alias", "telegram"]
    server = ["docker", "run", "--detach", *place, image, "python", "-m", "business_bot.testing"]
    done = subprocess.run([*server, "0.0.0.0"], check=True, capture_output=True, text=True)
    try:
        who = "BOT_TOKEN=42:of-tests\nBOT_USERS=[1001]\nBOT_API_URL=http://telegram:8081\n"
        running.project.append(".env", who)
        running.project.make("secrets", environment=running.environment)
        again = ("--force-recreate", "--no-deps", "business_bot")
        running.production("up", "--detach", "--wait", *again)
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", done.stdout.strip()], check=True)


def test_the_orders_of_level_2_are_there_and_new_ones_go_in(
    edge_of_level_3: Edge, order_of_level_2: dict[str, Any]
) -> None:
    old = order_of_level_2
    assert edge_of_level_3.call("GET", f"/api/v1/orders/{old['id']}").json == old
    placed = edge_of_level_3.call("POST", "/api/v1/orders", ORDER)
    assert placed.status == 201
    assert edge_of_level_3.call("GET", f"/api/v1/orders/{placed.json['id']}").json == placed.json


def test_nothing_is_published_but_the_gateway(edge_of_level_3: Edge) -> None:
    states = edge_of_level_3.stack.production("ps", "--format", "json").splitlines()
    published = {
        state["Service"]
        for state in map(json.loads, states)
        if any(publisher["PublishedPort"] for publisher in state["Publishers"] or [])
    }
    assert published == {"gateway"}


def test_secrets_are_files_and_in_no_environment(edge_of_level_3: Edge) -> None:
    secrets = dict(
        line.split("=", 1)
        for line in edge_of_level_3.stack.project.read(".env").splitlines()
        if re.match(r"(POSTGRES|GRAFANA)_PASSWORD=", line)
    )
    assert len(secrets) == 2
    for service in ("postgres", "data_postgres_api", "business_api", "grafana"):
        for container in edge_of_level_3.containers(service):
            for secret in secrets.values():
                assert secret not in json.dumps(container)
    folder = edge_of_level_3.stack.project.path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_every_target_is_scraped(edge_of_level_3: Edge) -> None:
    def up() -> bool:
        found = query(edge_of_level_3, "sum by (job) (up)")
        return {(r["metric"]["job"], r["value"][1]) for r in found} == {
            ("business_api", "2"),
            ("data_postgres_api", "2"),
            ("gateway", "1"),
            ("readiness", "2"),
            ("prometheus", "1"),
            ("rabbitmq", "1"),
            ("rabbitmq_queues", "1"),
            ("outbox_relay", "1"),
            ("business_worker", "2"),
            ("business_bot", "1"),
        }

    eventually(up, seconds=150)
    eventually(lambda: {r["value"][1] for r in query(edge_of_level_3, "probe_success")} == {"1"})
    # It has to stop taking messages before its container is ended for its memory.
    (limit,) = query(edge_of_level_3, "rabbitmq_resident_memory_limit_bytes")
    assert float(limit["value"][1]) == 600_000_000
    (expiry,) = query(edge_of_level_3, "(probe_ssl_earliest_cert_expiry - time()) / 86400")
    assert 363 < float(expiry["value"][1]) < 366


def test_the_replicas_add_up(edge_of_level_3: Edge) -> None:
    def total() -> float:
        found = query(edge_of_level_3, 'sum(entities_created_total{entity="orders"})')
        return float(found[0]["value"][1]) if found else 0

    time.sleep(16)  # what other tests have placed has been scraped
    before = total()
    for _ in range(8):
        assert edge_of_level_3.call("POST", "/api/v1/orders", ORDER).status == 201
    eventually(lambda: total() == before + 8)


@pytest.mark.usefixtures("telegram")
def test_every_panel_without_grafana_has_data_after_some_traffic(edge_of_level_3: Edge) -> None:
    def traffic() -> None:
        order = edge_of_level_3.call("POST", "/api/v1/orders", ORDER).json
        edge_of_level_3.call("POST", f"/api/v1/orders/{order['id']}/pay")
        edge_of_level_3.call("GET", "/api/v1/orders")
        edge_of_level_3.call("GET", "/api/v1/orders/none")

    folder = edge_of_level_3.stack.project.path / "infrastructure/grafana/dashboards"
    assert len(panels(folder)) >= 10
    assert without_data(folder, partial(query, edge_of_level_3), traffic) == []


def test_make_monitoring_checks_the_alerts(edge_of_level_3: Edge) -> None:
    project, environment = edge_of_level_3.stack.project, edge_of_level_3.stack.environment
    assert "SUCCESS" in project.make("monitoring", environment=environment).stdout
    project.replace("infrastructure/prometheus/alerts.yml", "> 0.05", "> 0.5")
    try:
        done = project.make("monitoring", environment=environment, check=False)
        assert done.returncode != 0
        assert "HighErrorRatio" in done.stdout + done.stderr
    finally:
        project.git("checkout", "--", ".")


def test_make_prod_again_interrupts_nobody(edge_of_level_3: Edge) -> None:
    answers: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(edge_of_level_3.call("GET", "/api/v1/orders?limit=1").status)
            time.sleep(0.1)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            edge_of_level_3.stack.project.make(
                "prod", environment=edge_of_level_3.stack.environment
            )
        finally:
            done.set()
        asking.result()
    assert len(answers) > 20
    assert set(answers) == {200}

"""Law 7 for level 3: what faces the public is limited, hidden, measured and bounded.

One project lives through the file: level 2 with an order in its database, moved to level 3, then
run from the production files with a real nginx, Prometheus and PostgreSQL. Grafana's image cannot
be had everywhere, so its files are checked by schema and by asking Prometheus each panel's query.
"""

import http.client
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from extensions.stages import Combination
from tests.support.dashboards import not_of_the_schema, panels, without_data
from tests.support.docker import Stack, require_docker, stack
from tests.support.events import listen
from tests.support.http import PROBLEM, Answer, call, eventually
from tests.support.matrix import ALL
from tests.support.ports import free_port
from tests.support.project import start

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
ORDER = {"lines": [LINE]}
ALLOWED = "https://shop.example"
BURST = 40


@dataclass(frozen=True)
class Production:
    """A level 3 system, started from the production files."""

    stack: Stack
    http_port: int
    https_port: int
    old_order: dict[str, Any]

    @property
    def certificate(self) -> Path:
        return self.stack.project.path / "certs/fullchain.pem"

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def orders(self) -> str:
        return f"https://localhost:{self.https_port}/api/v1/orders"

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        url = f"https://localhost:{self.https_port}{path}"
        return call(method, url, body, context=self.context, **more)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are over TLS and return all that comes back."""
        with (
            socket.create_connection(("127.0.0.1", self.https_port), timeout=20) as plain,
            self.context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(request)
            answer = b""
            try:
                while part := client.recv(65536):
                    answer += part
            except (TimeoutError, ssl.SSLError, ConnectionError):
                pass
            return answer

    def compose(self, *arguments: str, check: bool = True) -> str:
        return self.stack.production(*arguments, check=check)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What Docker knows about the containers of a service."""
        ids = self.compose("ps", "--quiet", service).split()
        done = subprocess.run(
            ["docker", "inspect", *ids], check=True, capture_output=True, text=True
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def logged(self, service: str, request_id: str) -> list[dict[str, Any]]:
        """The lines of a service's log with this request id."""
        lines = self.compose("logs", "--no-log-prefix", service).split("\n")
        found = [json.loads(line.removeprefix("\x1b[2K")) for line in lines if request_id in line]
        return [line for line in found if line.get("request_id") == request_id]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask the running Prometheus."""
        url = f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"
        answer = json.loads(self.compose("exec", "-T", "prometheus", "wget", "-qO-", url))
        assert answer["status"] == "success"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    require_docker()
    project = start(tmp_path_factory.mktemp("production") / "shop", Combination(2))
    with stack(project) as running:
        running.up()
        placed = call("POST", f"{running.business}/api/v1/orders", ORDER)
        assert placed.status == 201
        project.move(Combination(3, ALL))
        project.make("lock")
        project.commit("Level 3")
        http_port, https_port = free_port(), free_port()
        project.append(
            ".env",
            f"PUBLIC_HTTP_PORT={http_port}\nPUBLIC_HTTPS_PORT={https_port}\n"
            f"CORS_ORIGINS={ALLOWED} https://admin.example\nRATE_LIMIT=20\nRATE_BURST={BURST}\n"
            "WRITE_RATE_LIMIT=5\nWRITE_RATE_BURST=10\n",
        )
        project.make("prod", environment=running.environment)
        listen(running.production)
        yield Production(running, http_port, https_port, placed.json)
        running.production("down", "--volumes", "--timeout", "0")


@pytest.fixture(scope="module")
def telegram(production: Production) -> Iterator[None]:
    """Somebody for the bot to talk to: the server of its own package."""
    running = production.stack
    (bot,) = production.compose("ps", "--quiet", "business_bot").split()
    found = ["docker", "inspect", "--format", "{{.Image}}", bot]
    image = subprocess.run(found, check=True, capture_output=True, text=True).stdout.strip()
    place = ["--network", f"{running.name}_default", "--network-alias", "telegram"]
    server = ["docker", "run", "--detach", *place, image, "python", "-m", "business_bot.testing"]
    done = subprocess.run([*server, "0.0.0.0"], check=True, capture_output=True, text=True)
    try:
        who = "BOT_TOKEN=42:of-tests\nBOT_USERS=[1001]\nBOT_API_URL=http://telegram:8081\n"
        running.project.append(".env", who)
        running.project.make("secrets", environment=running.environment)
        again = ("--force-recreate", "--no-deps", "business_bot")
        production.compose("up", "--detach", "--wait", *again)
        yield
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", done.stdout.strip()], check=True)


def problem(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json["status"] == status
    assert answer.json["detail"]


def test_the_orders_of_level_2_are_there_and_new_ones_go_in(production: Production) -> None:
    order_id = production.old_order["id"]
    assert production.call("GET", f"/api/v1/orders/{order_id}").json == production.old_order
    placed = production.call("POST", "/api/v1/orders", ORDER)
    assert placed.status == 201
    assert production.call("GET", f"/api/v1/orders/{placed.json['id']}").json == placed.json


def test_nothing_is_published_but_the_gateway(production: Production) -> None:
    states = production.compose("ps", "--format", "json").splitlines()
    published = {
        state["Service"]
        for state in map(json.loads, states)
        if any(publisher["PublishedPort"] for publisher in state["Publishers"] or [])
    }
    assert published == {"gateway"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_plain_http_is_sent_to_https(production: Production, method: str) -> None:
    connection = http.client.HTTPConnection("localhost", production.http_port, timeout=10)
    connection.request(method, "/api/v1/orders?limit=1")
    answer = connection.getresponse()
    assert answer.status == 308
    assert answer.headers["Location"] == f"{production.orders}?limit=1"
    assert "Strict-Transport-Security" not in answer.headers


def test_the_challenge_of_lets_encrypt_is_answered_over_http(production: Production) -> None:
    script = (
        "mkdir -p /w/.well-known/acme-challenge && echo proof > /w/.well-known/acme-challenge/x"
    )
    volume = f"{production.stack.name}_acme_challenges:/w"
    run = ["docker", "run", "--rm", "--volume", volume, "--entrypoint", "sh", "postgres:17"]
    subprocess.run([*run, "-c", script], check=True)
    url = f"http://localhost:{production.http_port}/.well-known/acme-challenge/x"
    assert call("GET", url).text == "proof\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_modern_tls_is_spoken(production: Production, version: ssl.TLSVersion) -> None:
    context = production.context
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("localhost", production.https_port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        assert client.version() == version.name.replace("_", ".")


def test_old_tls_is_refused(production: Production) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("localhost", production.https_port), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain)


def test_answers_carry_basic_security_headers(production: Production) -> None:
    for path in ("/api/v1/orders", "/metrics"):
        headers = production.call("GET", path).headers
        assert headers["Strict-Transport-Security"] == "max-age=63072000"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "nginx"


def test_a_host_of_nobody_is_told_to_come_by_https(production: Production) -> None:
    answer = production.call("GET", "/", headers={"Host": "evil.example"})
    problem(answer, 421)
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


@pytest.mark.parametrize("given", ["0123456789abcdef" * 2, "", "not one, but {several}"])
def test_a_request_id_is_kept_from_edge_to_database_service(
    production: Production, given: str
) -> None:
    headers = {"X-Request-ID": given} if given else {}
    request_id = production.call("GET", "/api/v1/orders", headers=headers).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert (request_id == given) == (len(given) == 32), "only a well-formed one is kept"
    for service in ("gateway", "business_api", "data_postgres_api"):
        eventually(partial(lambda service: production.logged(service, request_id) != [], service))
    (line,) = production.logged("gateway", request_id)
    assert (line["status"], line["method"], line["path"]) == (200, "GET", "/api/v1/orders")


# --- bad input: refused at the edge, logged once with the request id, never in the service

CLOSE = "X-Request-ID: {id}\r\nConnection: close\r\n"
HEAD = "Host: localhost\r\nX-Customer-Id: me\r\n" + CLOSE
BAD: dict[str, tuple[int, str]] = {
    "two lengths": (
        400,
        "POST /api/v1/orders HTTP/1.1\r\n"
        + HEAD
        + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "two different lengths": (
        400,
        "POST /api/v1/orders HTTP/1.1\r\n"
        + HEAD
        + "Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
    ),
    "a header of 40 kB": (
        400,
        "GET /api/v1/orders HTTP/1.1\r\n" + HEAD + "X-Long: " + "x" * 40_000 + "\r\n\r\n",
    ),
    "a path of 40 kB": (414, "GET /" + "x" * 40_000 + " HTTP/1.1\r\n" + HEAD + "\r\n"),
    "a body of 20 MB": (
        413,
        "POST /api/v1/orders HTTP/1.1\r\n" + HEAD + "Content-Length: 20000000\r\n\r\n{",
    ),
    "a foreign host": (
        421,
        "GET /api/v1/orders HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + "\r\n",
    ),
    "a host that is none": (
        400,
        "GET /api/v1/orders HTTP/1.1\r\nHost: a/b\r\n" + CLOSE + "\r\n",
    ),
    "a path out of the root": (
        400,
        "GET /../../etc/passwd HTTP/1.1\r\n" + HEAD + "\r\n",
    ),
    "a foreign origin": (
        403,
        "GET /api/v1/orders HTTP/1.1\r\n" + HEAD + "Origin: https://evil.example\r\n\r\n",
    ),
    "an origin that names two": (
        403,
        "GET /api/v1/orders HTTP/1.1\r\n" + HEAD + "Origin: https://evil.example => x\r\n\r\n",
    ),
    "an unknown transfer encoding": (
        501,
        "POST /api/v1/orders HTTP/1.1\r\n" + HEAD + "Transfer-Encoding: gzip\r\n\r\n",
    ),
    "a version that is none": (505, "GET /api/v1/orders HTTP/3.7\r\n" + HEAD + "\r\n"),
    "a null byte": (400, "GET /api/v1/orders\x00 HTTP/1.1\r\n" + HEAD + "\r\n"),
    "no HTTP": (400, "HELLO\r\n\r\n"),
    "an unknown method": (405, "BREW /api/v1/orders HTTP/1.1\r\n" + HEAD + "\r\n"),
    "an address that is not encoded": (400, "GET /caf\u00e9 HTTP/1.1\r\n" + HEAD + "\r\n"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_at_the_edge(production: Production, what: str) -> None:
    status, request = BAD[what]
    request_id = uuid4().hex
    answer = production.raw(request.replace("{id}", request_id).encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == str(status).encode(), head[:200]
    assert f"content-type: {PROBLEM}" in head.decode().lower()
    assert json.loads(body)["status"] == status
    assert production.logged("business_api", request_id) == []
    # Where the header itself could not be read, the gateway has made an id.
    logged = re.search(r"x-request-id: (\S+)", head.decode(), re.IGNORECASE)
    assert logged
    eventually(lambda: len(production.logged("gateway", logged[1])) == 1)


def test_what_the_query_says_is_not_logged(production: Production) -> None:
    path = f"/api/v1/orders?token={uuid4().hex}"
    referer = {"Referer": f"https://localhost{path}"}
    assert production.call("GET", path, headers=referer).status == 422
    too_large = call(
        "POST",
        f"https://localhost:{production.https_port}{path}",
        raw=b" " * 200_001,
        headers=referer,
        context=production.context,
    )
    problem(too_large, 413)
    request_id = too_large.headers["X-Request-ID"]
    eventually(lambda: len(production.logged("gateway", request_id)) == 1)
    assert path not in production.compose("logs", "gateway")


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/METRICS", "/metrics/", "/%6Detrics", "//metrics", "/api/../metrics", "/ready"],
)
def test_what_is_for_operators_is_hidden(production: Production, path: str) -> None:
    request_id = uuid4().hex
    request = f"GET {path} HTTP/1.1\r\n{HEAD}\r\n"
    answer = production.raw(request.replace("{id}", request_id).encode())
    assert answer.split(b" ")[1] == b"404"
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 404
    assert production.logged("business_api", request_id) == []


def test_the_data_service_cannot_be_reached(production: Production) -> None:
    order_id = production.old_order["id"]
    change = {"status": "paid", "version": 1}
    for port in (production.http_port, production.https_port):
        assert port not in (8000, 8001)
    assert production.call("PUT", f"/api/v1/orders/{order_id}/status", change).status == 404
    assert production.call("GET", f"/api/v1/orders/{order_id}").json["status"] == "placed"


def test_slow_clients_are_cut_off_and_hold_up_nobody(production: Production) -> None:
    def cut_off() -> int:
        lines = production.compose("logs", "--no-log-prefix", "gateway")
        return len(re.findall(r'"status": ?"?408', lines))

    clients, before, request_id = [], cut_off(), uuid4().hex
    slow_body = f"POST /api/v1/orders HTTP/1.1\r\n{HEAD}Content-Length: 9\r\n\r\n{{"
    for request in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\n",
        slow_body.replace("{id}", request_id).encode(),
    ) * 2:
        plain = socket.create_connection(("127.0.0.1", production.https_port), timeout=30)
        client = production.context.wrap_socket(plain, server_hostname="localhost")
        client.sendall(request)
        clients.append(client)
    assert production.call("GET", "/api/v1/orders").status == 200
    for client in clients:
        try:
            while client.recv(65536):  # returns nothing once nginx has closed the connection
                pass
        except ConnectionError:
            pass
        client.close()
    eventually(lambda: cut_off() == before + len(clients))
    assert production.logged("business_api", request_id) == []


def test_a_client_has_so_many_requests_at_a_time(production: Production) -> None:
    begun = f"GET /api/v1/orders HTTP/1.1\r\n{HEAD}Content-Length: 9\r\n\r\n{{"

    def begin(_: int) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", production.https_port), timeout=30)
        client = production.context.wrap_socket(plain, server_hostname="localhost")
        client.sendall(begun.replace("{id}", uuid4().hex).encode())
        return client

    def is_refused() -> bool:
        time.sleep(3)  # fewer than the burst of the rate's bucket, which is empty again
        # All at once: the gateway waits for the rest of a request for ten seconds only.
        with ThreadPoolExecutor(30) as pool, ExitStack() as unfinished:
            for client in pool.map(begin, range(30)):
                unfinished.enter_context(client)
            return production.call("GET", "/api/v1/orders?limit=1").status == 429

    eventually(is_refused)
    eventually(lambda: production.call("GET", "/api/v1/orders?limit=1").status == 200)


# --- CORS


def preflight(production: Production, origin: str) -> Answer:
    return production.call(
        "OPTIONS",
        "/api/v1/orders",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )


@pytest.mark.parametrize("origin", [ALLOWED, "https://admin.example"])
def test_a_preflight_of_an_allowed_origin_is_answered(production: Production, origin: str) -> None:
    answer = preflight(production, origin)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    for header in ("Content-Type", "Idempotency-Key"):
        assert header in answer.headers["Access-Control-Allow-Headers"]
    real = production.call("GET", "/api/v1/orders", headers={"Origin": origin})
    assert real.status == 200
    assert real.headers["Access-Control-Allow-Origin"] == origin
    assert real.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://shop",
        "https://shopXexample",
        "null",
    ],
)
def test_a_preflight_of_a_foreign_origin_is_refused(production: Production, origin: str) -> None:
    answer = preflight(production, origin)
    problem(answer, 403)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_of_the_host_itself_may_call(production: Production) -> None:
    origin = f"https://localhost:{production.https_port}"
    assert production.call("GET", "/api/v1/orders", headers={"Origin": origin}).status == 200


# --- limits


def test_a_client_that_asks_too_often_gets_429(production: Production) -> None:
    answers: list[Answer] = []

    def is_limited() -> bool:
        with ThreadPoolExecutor(20) as pool:
            asked = pool.map(lambda _: production.call("GET", "/api/v1/orders?limit=1"), many)
            answers[:] = asked
        return {answer.status for answer in answers} == {200, 429}

    # A machine that is busy with something else may answer so slowly that nobody is too often.
    many = range(BURST * 3)
    eventually(is_limited)
    refused = next(answer for answer in answers if answer.status == 429)
    problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    eventually(lambda: production.call("GET", "/api/v1/orders?limit=1").status == 200)


def test_writing_has_a_limit_of_its_own(production: Production) -> None:
    time.sleep(3)  # both buckets are empty again
    answers = [production.call("POST", "/api/v1/orders", {"lines": []}) for _ in range(25)]
    assert {answer.status for answer in answers} == {422, 429}
    assert production.call("GET", "/api/v1/orders?limit=1").status == 200
    time.sleep(3)


# --- images and containers


@pytest.mark.parametrize("service", ["business_api", "data_postgres_api", "gateway"])
def test_containers_are_bounded_and_may_do_little(production: Production, service: str) -> None:
    containers = production.containers(service)
    assert len(containers) == (1 if service == "gateway" else 2)
    for container in containers:
        host = container["HostConfig"]
        assert container["Config"]["User"].isdigit()
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert host["Memory"] > 0
        assert host["PidsLimit"] == 200
        assert host["NanoCpus"] > 0
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}
        assert container["State"]["Health"]["Status"] == "healthy"


def test_secrets_are_files_and_in_no_environment(production: Production) -> None:
    secrets = dict(
        line.split("=", 1)
        for line in production.stack.project.read(".env").splitlines()
        if re.match(r"(POSTGRES|GRAFANA)_PASSWORD=", line)
    )
    assert len(secrets) == 2
    for service in ("postgres", "data_postgres_api", "business_api", "grafana"):
        for container in production.containers(service):
            for secret in secrets.values():
                assert secret not in json.dumps(container)
    folder = production.stack.project.path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("service", ["business_api", "data_postgres_api"])
def test_images_hold_no_tools_of_the_build(production: Production, service: str) -> None:
    find = "command -v uv gcc cc make git || find / -xdev -name uv -type f 2>/dev/null"
    assert production.compose("exec", "-T", service, "sh", "-c", find, check=False) == ""
    compiled = "ls /app/shared/chassis/src/chassis/__pycache__"
    assert "app.cpython" in production.compose("exec", "-T", service, "sh", "-c", compiled)


@pytest.mark.parametrize("service", ["business_api", "data_postgres_api"])
def test_an_image_holds_the_code_of_its_own_service_alone(
    production: Production, service: str
) -> None:
    find = "cd services && find . -name '*.py' | cut -d / -f 2 | sort -u"
    assert production.compose("exec", "-T", service, "sh", "-c", find).split() == [service]


def test_an_image_is_not_built_without_a_lock(production: Production) -> None:
    lock = production.stack.project.path / "uv.lock"
    kept = lock.read_bytes()
    lock.unlink()
    try:
        build = ["docker", "compose", "build", "business_api"]
        done = subprocess.run(
            build, cwd=production.stack.project.path, capture_output=True, text=True
        )
        assert done.returncode != 0
        assert 'There is no uv.lock: run "make setup"' in done.stdout + done.stderr
        made = production.stack.project.make("prod", check=False)
        assert made.returncode != 0
        assert "make setup" in made.stdout + made.stderr
    finally:
        lock.write_bytes(kept)


# --- what is measured


def test_every_target_is_scraped(production: Production) -> None:
    def up() -> bool:
        found = production.query("sum by (job) (up)")
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

    eventually(up)
    eventually(lambda: {r["value"][1] for r in production.query("probe_success")} == {"1"})
    # It has to stop taking messages before its container is ended for its memory.
    (limit,) = production.query("rabbitmq_resident_memory_limit_bytes")
    assert float(limit["value"][1]) == 600_000_000
    (expiry,) = production.query("(probe_ssl_earliest_cert_expiry - time()) / 86400")
    assert 363 < float(expiry["value"][1]) < 366


def test_the_replicas_add_up(production: Production) -> None:
    def total() -> float:
        found = production.query('sum(entities_created_total{entity="orders"})')
        return float(found[0]["value"][1]) if found else 0

    time.sleep(16)  # what other tests have placed has been scraped
    before = total()
    for _ in range(8):
        assert production.call("POST", "/api/v1/orders", ORDER).status == 201
    eventually(lambda: total() == before + 8)


@pytest.mark.usefixtures("telegram")
def test_every_panel_without_grafana_has_data_after_some_traffic(production: Production) -> None:
    def traffic() -> None:
        order = production.call("POST", "/api/v1/orders", ORDER).json
        production.call("POST", f"/api/v1/orders/{order['id']}/pay")
        production.call("GET", "/api/v1/orders")
        production.call("GET", "/api/v1/orders/none")

    folder = production.stack.project.path / "infrastructure/grafana/dashboards"
    assert len(panels(folder)) >= 10
    assert without_data(folder, production.query, traffic) == []


def test_dashboards_without_grafana_are_of_its_schema(production: Production) -> None:
    folder = production.stack.project.path / "infrastructure/grafana/dashboards"
    files = list(folder.glob("*.json"))
    assert files
    assert [place for file in files for place in not_of_the_schema(file)] == []


def test_make_monitoring_checks_the_alerts(production: Production) -> None:
    project, environment = production.stack.project, production.stack.environment
    assert "SUCCESS" in project.make("monitoring", environment=environment).stdout
    project.replace("infrastructure/prometheus/alerts.yml", "> 0.05", "> 0.5")
    try:
        done = project.make("monitoring", environment=environment, check=False)
        assert done.returncode != 0
        assert "HighErrorRatio" in done.stdout + done.stderr
    finally:
        project.git("checkout", "--", ".")


# --- what happens when a part fails


def test_a_replica_that_dies_is_not_noticed(production: Production) -> None:
    victim = production.containers("business_api")[0]["Id"]
    subprocess.run(["docker", "kill", "--signal", "KILL", victim], check=True, capture_output=True)
    for _ in range(20):
        assert production.call("GET", "/api/v1/orders?limit=1").status == 200
        time.sleep(0.06)
    subprocess.run(["docker", "start", victim], check=True, capture_output=True)


def test_a_replica_that_the_gateway_missed_is_found(production: Production) -> None:
    kept, missed = (container["Id"] for container in production.containers("business_api"))
    for command in (["stop", missed], ["restart", production.containers("gateway")[0]["Id"]]):
        subprocess.run(["docker", *command], check=True, capture_output=True)
    eventually(lambda: production.call("GET", "/api/v1/orders?limit=1").status == 200)
    subprocess.run(["docker", "start", missed], check=True, capture_output=True)
    seen: set[str] = set()

    def both_answer() -> bool:
        answer = production.call("GET", "/api/v1/orders?limit=1")
        seen.update(
            line["upstream"]
            for line in production.logged("gateway", answer.headers["X-Request-ID"])
            if line["upstream_status"] == "200"
        )
        return len(seen) == 2

    eventually(both_answer)
    subprocess.run(["docker", "stop", kept], check=True, capture_output=True)
    assert production.call("GET", "/api/v1/orders?limit=1").status == 200
    subprocess.run(["docker", "start", kept], check=True, capture_output=True)


def test_make_prod_again_interrupts_nobody(production: Production) -> None:
    answers: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(production.call("GET", "/api/v1/orders?limit=1").status)
            time.sleep(0.1)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            production.stack.project.make("prod", environment=production.stack.environment)
        finally:
            done.set()
        asking.result()
    assert len(answers) > 20
    assert set(answers) == {200}


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("RATE_LIMIT", "abc", 'RATE_LIMIT in .env: "abc" is no whole number above 0'),
        ("CLIENT_CONNECTIONS", "0", 'CLIENT_CONNECTIONS in .env: "0" is no whole number above 0'),
        ("GATEWAY_HOSTS", "localhost:8443", '"localhost:8443" is no name or IPv4 address'),
        ("CORS_ORIGINS", "https://a.example/", '"https://a.example/" is no origin'),
        ("CORS_ORIGINS", "https://A.example", '"https://A.example" is no origin'),
        ("CORS_ORIGINS", "https://a.example:443", "browsers leave out the port"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_nothing(
    production: Production, setting: str, value: str, reason: str
) -> None:
    environment = production.stack.environment | {setting: value}
    done = production.stack.project.make("prod", check=False, environment=environment)
    assert done.returncode != 0
    assert reason in done.stderr
    assert production.call("GET", "/api/v1/orders?limit=1").status == 200


def test_a_configuration_that_nginx_would_not_take_stops_nothing(production: Production) -> None:
    project = production.stack.project
    project.replace("infrastructure/nginx/nginx.conf", "server_tokens off", "server_tokens maybe")
    try:
        environment = production.stack.environment
        done = project.make("prod", check=False, environment=environment)
        assert done.returncode != 0
        assert 'invalid value "maybe"' in done.stderr
        assert production.call("GET", "/api/v1/orders?limit=1").status == 200
    finally:
        project.git("checkout", "--", ".")


def test_more_replicas_and_other_limits_are_taken_by_make_prod(production: Production) -> None:
    project, environment = production.stack.project, production.stack.environment
    project.append(".env", "BUSINESS_API_REPLICAS=3\n")
    project.replace(
        "infrastructure/nginx/templates/gateway.conf.template",
        "max-age=63072000",
        "max-age=63072001",
    )
    try:
        project.make("prod", environment=environment)
        assert len(production.containers("business_api")) == 3
        answer = production.call("GET", "/api/v1/orders?limit=1")
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072001"
        for _ in range(12):
            assert production.call("GET", "/api/v1/orders?limit=1").status == 200
            time.sleep(0.06)
        lines = production.compose("logs", "--no-log-prefix", "gateway").splitlines()[-12:]
        assert len(set(re.findall(r'"upstream":"([^"]+)"', "\n".join(lines)))) == 3
    finally:
        project.git("checkout", "--", ".")


def test_secrets_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(3))
    project.write(
        ".env",
        "export POSTGRES_PASSWORD='a $b'\r\nGRAFANA_PASSWORD=c # of mine\n"
        'GATEWAY_HOSTS="localhost"\n',
    )
    project.make("secrets", "certs")
    assert project.read("secrets/postgres_password") == "a $b"
    assert project.read("secrets/grafana_password") == "c"
    assert project.read("certs/names") == "DNS:localhost"
    project.write(".env", "POSTGRES_PASSWORD=\nGRAFANA_PASSWORD=x\n")
    done = project.make("secrets", check=False)
    assert "POSTGRES_PASSWORD has no value" in done.stderr
    project.write(".env", "POSTGRES_PASSWORD=a$b\nGRAFANA_PASSWORD=x\n")
    done = project.make("secrets", check=False)
    assert "in single quotes" in done.stderr


TEAMS = """\
services:
  parcels:
    image: registry.example/parcels:1
    secrets: [parcels_key]
secrets:
  parcels_key:
    file: secrets/parcels_key
"""


def test_a_service_of_the_team_brings_its_part_of_production(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(3))
    project.write("services/parcels/compose.prod.yml", TEAMS)
    files = project.make("--silent", "files", "FOR=prod").stdout.strip().split(":")
    assert files == [
        "docker-compose.yml",
        "docker-compose.prod.yml",
        "services/parcels/compose.prod.yml",
    ]
    assert project.make("--silent", "files").stdout.strip() == "docker-compose.yml"
    done = project.make("secrets", check=False)
    assert "PARCELS_KEY has no value in .env." in done.stderr
    project.append(".env", "PARCELS_KEY=of-ours\n")
    project.make("secrets")
    assert project.read("secrets/parcels_key") == "of-ours"


def test_a_certificate_of_somebody_else_is_kept(production: Production) -> None:
    project = production.stack.project
    before = production.certificate.read_bytes()
    project.make("certs")
    assert production.certificate.read_bytes() == before, "it is still good"
    signed = project.path / "certs/signed.pem"
    commands = f"""
    openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=ca -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=shop -keyout shop.key -out shop.csr
    openssl x509 -req -in shop.csr -CA ca.pem -CAkey ca.key -days 2 -out {signed}
    """
    subprocess.run(
        ["sh", "-ec", commands], cwd=project.path / "certs", check=True, capture_output=True
    )
    production.certificate.write_bytes(signed.read_bytes())
    project.make("certs")
    assert production.certificate.read_bytes() == signed.read_bytes()
    production.certificate.write_bytes(before)


def test_a_certificate_from_an_authority_is_installed_and_served(
    production: Production, tmp_path: Path
) -> None:
    """Certbot's image cannot be had everywhere: in its place a script checks how it is called."""
    project = production.stack.project
    folder = project.path / "fake"
    folder.mkdir()
    make_key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "80"]
    names = ["-subj", "/CN=authority", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run([*make_key, *names, *files], check=True, capture_output=True)
    (folder / "certbot").write_text(
        'echo "$*" >> /fake/calls\n'
        "mkdir -p /etc/letsencrypt/live/localhost\n"
        "cp /fake/*.pem /etc/letsencrypt/live/localhost/\n"
    )
    project.write(
        "docker-compose.override.yml",
        "services:\n  certbot:\n    image: postgres:17\n    entrypoint: [sh, /fake/certbot]\n"
        "    volumes: [./fake:/fake]\n",
    )
    kept = {path: path.read_bytes() for path in (project.path / "certs").iterdir()}
    try:
        environment = production.stack.environment
        refused = project.make("letsencrypt", check=False, environment=environment)
        assert "EMAIL=you@example.org" in refused.stdout
        project.make("letsencrypt", "EMAIL=me@shop.example", environment=environment)
        calls = (folder / "calls").read_text()
        assert "certonly --webroot --webroot-path /var/www/acme" in calls
        assert "--domain localhost" in calls
        served = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
        url = f"{production.orders}?limit=1"
        eventually(lambda: call("GET", url, context=served).status == 200)
        project.make("renew", environment=environment)
        assert "renew" in (folder / "calls").read_text()
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
        (project.path / "docker-compose.override.yml").unlink()
        production.compose("exec", "-T", "gateway", "nginx", "-s", "reload")

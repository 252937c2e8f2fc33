"""The gateway: what faces the public is limited, hidden, and bounded.

The tests run on the shared stack of level 4, and in `make matrix-full` on one of level 3 as well.
"""

import http.client
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.stacks.level_4.system import problem
from tests.support.docker import service_of
from tests.support.edge import ALLOWED, BURST, ORDER, Edge
from tests.support.http import PROBLEM, Answer, call, eventually


@pytest.fixture(scope="package", params=[4, pytest.param(3, marks=pytest.mark.full)])
def edge(request: pytest.FixtureRequest) -> Edge:
    """A production system as its users reach it."""
    found: Edge = request.getfixturevalue(f"edge_of_level_{request.param}")
    return found


@pytest.fixture(scope="module")
def limited(edge: Edge) -> Iterator[Edge]:
    """The same, with limits that a test can reach."""
    with edge.strict_limits():
        yield edge


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_plain_http_is_sent_to_https(edge: Edge, method: str) -> None:
    connection = http.client.HTTPConnection("localhost", edge.http_port, timeout=10)
    connection.request(method, "/api/v1/orders?limit=1")
    answer = connection.getresponse()
    assert answer.status == 308
    assert answer.headers["Location"] == f"{edge.orders}?limit=1"
    assert "Strict-Transport-Security" not in answer.headers


def test_the_challenge_of_lets_encrypt_is_answered_over_http(edge: Edge) -> None:
    script = (
        "mkdir -p /w/.well-known/acme-challenge && echo proof > /w/.well-known/acme-challenge/x"
    )
    volume = f"{edge.stack.name}_acme_challenges:/w"
    run = ["docker", "run", "--rm", "--volume", volume, "--entrypoint", "sh", "postgres:17-trixie"]
    subprocess.run([*run, "-c", script], check=True)
    url = f"http://localhost:{edge.http_port}/.well-known/acme-challenge/x"
    assert call("GET", url).text == "proof\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_modern_tls_is_spoken(edge: Edge, version: ssl.TLSVersion) -> None:
    context = edge.context
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("localhost", edge.https_port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        assert client.version() == version.name.replace("_", ".")


def test_old_tls_is_refused(edge: Edge) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("localhost", edge.https_port), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain)


def test_answers_carry_basic_security_headers(edge: Edge) -> None:
    for path in ("/api/v1/orders", "/metrics"):
        headers = edge.call("GET", path).headers
        assert headers["Strict-Transport-Security"] == "max-age=63072000"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "nginx"


def test_a_host_of_nobody_is_told_to_come_by_https(edge: Edge) -> None:
    answer = edge.call("GET", "/", headers={"Host": "evil.example"})
    problem(answer, 421)
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


@pytest.mark.parametrize("given", ["0123456789abcdef" * 2, "", "not one, but {several}"])
def test_a_request_id_is_kept_from_edge_to_database_service(edge: Edge, given: str) -> None:
    headers = {"X-Request-ID": given} if given else {}
    request_id = edge.call("GET", "/api/v1/orders", headers=headers).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert (request_id == given) == (len(given) == 32), "only a well-formed one is kept"
    for service in ("gateway", "business_api", "data_postgres_api"):
        eventually(partial(lambda service: edge.logged(service, request_id) != [], service))
    (line,) = edge.logged("gateway", request_id)
    assert (line["status"], line["method"], line["path"]) == (200, "GET", "/api/v1/orders")


# --- bad input: refused at the edge, logged once with the request id, never in the service

CLOSE = "X-Request-ID: {id}\r\nConnection: close\r\n"

HEAD = "Host: localhost\r\nX-Subject: me\r\n" + CLOSE

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
    "an invalid host": (
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
    "an invalid version": (505, "GET /api/v1/orders HTTP/3.7\r\n" + HEAD + "\r\n"),
    "a null byte": (400, "GET /api/v1/orders\x00 HTTP/1.1\r\n" + HEAD + "\r\n"),
    "no HTTP": (400, "HELLO\r\n\r\n"),
    "an unknown method": (405, "BREW /api/v1/orders HTTP/1.1\r\n" + HEAD + "\r\n"),
    "an address that is not encoded": (400, "GET /caf\u00e9 HTTP/1.1\r\n" + HEAD + "\r\n"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_at_the_edge(edge: Edge, what: str) -> None:
    status, request = BAD[what]
    request_id = uuid4().hex
    answer = edge.raw(request.replace("{id}", request_id).encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == str(status).encode(), head[:200]
    assert f"content-type: {PROBLEM}" in head.decode().lower()
    assert json.loads(body)["status"] == status
    assert edge.logged("business_api", request_id) == []
    # Where the header itself could not be read, the gateway has made an id.
    logged = re.search(r"x-request-id: (\S+)", head.decode(), re.IGNORECASE)
    assert logged
    eventually(lambda: len(edge.logged("gateway", logged[1])) == 1)


def test_what_the_query_says_is_not_logged(edge: Edge) -> None:
    path = f"/api/v1/orders?token={uuid4().hex}"
    referer = {"Referer": f"https://localhost{path}"}
    assert edge.call("GET", path, headers=referer).status == 422
    too_large = call(
        "POST",
        f"https://localhost:{edge.https_port}{path}",
        raw=b" " * 200_001,
        headers=referer,
        context=edge.context,
    )
    problem(too_large, 413)
    request_id = too_large.headers["X-Request-ID"]
    eventually(lambda: len(edge.logged("gateway", request_id)) == 1)
    assert path not in edge.stack.printed("gateway")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_413_is_a_problem_document_over_http_1_and_2(edge: Edge, version: str) -> None:
    command = ["curl", "--silent", version, "--cacert", str(edge.certificate), "--include"]
    sent = subprocess.run(
        [*command, "--data-binary", "@-", f"{edge.url}/api/v1/orders"],
        input=b" " * 1_000_000,
        capture_output=True,
        check=True,
    ).stdout.decode()
    head, _, body = sent.partition("\r\n\r\n")
    assert head.split()[1] == "413"
    assert f"content-type: {PROBLEM}" in head.lower()
    assert json.loads(body)["status"] == 413


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/METRICS", "/metrics/", "/%6Detrics", "//metrics", "/api/../metrics", "/ready"],
)
def test_what_is_for_operators_is_hidden(edge: Edge, path: str) -> None:
    request_id = uuid4().hex
    request = f"GET {path} HTTP/1.1\r\n{HEAD}\r\n"
    answer = edge.raw(request.replace("{id}", request_id).encode())
    assert answer.split(b" ")[1] == b"404"
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 404
    assert edge.logged("business_api", request_id) == []


def test_the_data_service_cannot_be_reached(edge: Edge) -> None:
    order_id = edge.call("POST", "/api/v1/orders", ORDER).json["id"]
    change = {"status": "paid", "version": 1}
    for port in (edge.http_port, edge.https_port):
        assert port not in (8000, 8001)
    assert edge.call("PUT", f"/api/v1/orders/{order_id}/status", change).status == 404
    assert edge.call("GET", f"/api/v1/orders/{order_id}").json["status"] == "placed"


def test_slow_clients_are_cut_off_and_hold_up_nobody(edge: Edge) -> None:
    def cut_off() -> int:
        return len(re.findall(r'"status": ?"?408', edge.stack.printed("gateway")))

    clients, before, request_id = [], cut_off(), uuid4().hex
    slow_body = f"POST /api/v1/orders HTTP/1.1\r\n{HEAD}Content-Length: 9\r\n\r\n{{"
    for request in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\n",
        slow_body.replace("{id}", request_id).encode(),
    ) * 2:
        plain = socket.create_connection(("127.0.0.1", edge.https_port), timeout=30)
        client = edge.context.wrap_socket(plain, server_hostname="localhost")
        client.sendall(request)
        clients.append(client)
    assert edge.call("GET", "/api/v1/orders").status == 200
    for client in clients:
        try:
            while client.recv(65536):  # returns nothing once nginx has closed the connection
                pass
        except ConnectionError:
            pass
        client.close()
    eventually(lambda: cut_off() == before + len(clients))
    assert edge.logged("business_api", request_id) == []


# --- CORS


def preflight(edge: Edge, origin: str) -> Answer:
    return edge.call(
        "OPTIONS",
        "/api/v1/orders",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )


@pytest.mark.parametrize("origin", ALLOWED)
def test_a_preflight_of_an_allowed_origin_is_answered(edge: Edge, origin: str) -> None:
    answer = preflight(edge, origin)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    for header in ("Content-Type", "Idempotency-Key"):
        assert header in answer.headers["Access-Control-Allow-Headers"]
    real = edge.call("GET", "/api/v1/orders", headers={"Origin": origin})
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
def test_a_preflight_of_a_foreign_origin_is_refused(edge: Edge, origin: str) -> None:
    answer = preflight(edge, origin)
    problem(answer, 403)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_of_the_host_itself_may_call(edge: Edge) -> None:
    origin = f"https://localhost:{edge.https_port}"
    assert edge.call("GET", "/api/v1/orders", headers={"Origin": origin}).status == 200


# --- images and containers


@pytest.mark.parametrize("service", ["business_api", "data_postgres_api", "gateway"])
def test_containers_are_bounded_and_may_do_little(edge: Edge, service: str) -> None:
    containers = edge.containers(service)
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
        assert host["LogConfig"]["Config"].items() >= {"max-size": "10m", "max-file": "5"}.items()
        assert container["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("service", ["business_api", "data_postgres_api"])
def test_images_hold_no_tools_of_the_build(edge: Edge, service: str) -> None:
    find = "command -v uv gcc cc make git || find / -xdev -name uv -type f 2>/dev/null"
    assert edge.stack.execute(service, "sh", "-c", find, check=False) == ""
    compiled = "ls /app/shared/chassis/src/chassis/__pycache__"
    assert "app.cpython" in edge.stack.execute(service, "sh", "-c", compiled)


@pytest.mark.parametrize("service", ["business_api", "data_postgres_api"])
def test_an_image_holds_the_code_of_its_own_service_alone(edge: Edge, service: str) -> None:
    find = "cd services && find . -name '*.py' | cut -d / -f 2 | sort -u"
    assert edge.stack.execute(service, "sh", "-c", find).split() == [service]


def test_an_image_is_not_built_without_a_lock(edge: Edge) -> None:
    lock = edge.stack.project.path / "uv.lock"
    kept = lock.read_bytes()
    lock.unlink()
    try:
        build = ["docker", "compose", "build", "business_api"]
        done = subprocess.run(build, cwd=edge.stack.project.path, capture_output=True, text=True)
        assert done.returncode != 0
        assert 'There is no uv.lock: run "make setup"' in done.stdout + done.stderr
        made = edge.stack.project.make("prod", check=False)
        assert made.returncode != 0
        assert "make setup" in made.stdout + made.stderr
    finally:
        lock.write_bytes(kept)


# --- when a part fails or is configured badly


def test_a_replica_that_dies_is_not_noticed(edge: Edge) -> None:
    victim, _ = edge.stack.containers("business_api")
    victim.kill()
    for _ in range(20):
        assert edge.call("GET", "/api/v1/orders?limit=1").status == 200
        time.sleep(0.06)
    victim.start()


def test_a_replica_that_the_gateway_missed_is_found(edge: Edge) -> None:
    kept, missed = edge.stack.containers("business_api")
    missed.stop()
    edge.stack.restart("gateway")
    eventually(lambda: edge.call("GET", "/api/v1/orders?limit=1").status == 200)
    missed.start()
    seen: set[str] = set()

    def both_answer() -> bool:
        answer = edge.call("GET", "/api/v1/orders?limit=1")
        seen.update(
            line["upstream"]
            for line in edge.logged("gateway", answer.headers["X-Request-ID"])
            if line["upstream_status"] == "200"
        )
        return len(seen) == 2

    eventually(both_answer)
    kept.stop()
    assert edge.call("GET", "/api/v1/orders?limit=1").status == 200
    kept.start()


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
    edge: Edge, setting: str, value: str, reason: str
) -> None:
    environment = edge.stack.environment | {setting: value}
    done = edge.stack.project.make("prod", check=False, environment=environment)
    assert done.returncode != 0
    assert reason in done.stderr
    assert edge.call("GET", "/api/v1/orders?limit=1").status == 200


def test_a_configuration_that_nginx_would_not_take_stops_nothing(edge: Edge) -> None:
    project = edge.stack.project
    config = "infrastructure/nginx/nginx.conf"
    good = project.read(config)
    project.write(config, good.replace("server_tokens off", "server_tokens maybe"))
    try:
        environment = edge.stack.environment
        done = project.make("prod", check=False, environment=environment)
        assert done.returncode != 0
        assert 'invalid value "maybe"' in done.stderr
        assert edge.call("GET", "/api/v1/orders?limit=1").status == 200
    finally:
        # In place: a container that has mounted the file sees no other one.
        project.write(config, good)


def test_more_replicas_and_other_limits_are_taken_by_make_prod(edge: Edge) -> None:
    project, environment = edge.stack.project, edge.stack.environment
    settings = project.read(".env")
    running = edge.stack.containers(ended=False)
    others = {each.id for each in running if service_of(each) != "business_api"}
    project.append(".env", "BUSINESS_API_REPLICAS=3\n")
    project.replace(
        "infrastructure/nginx/templates/gateway.conf.template",
        "max-age=63072000",
        "max-age=63072001",
    )
    try:
        project.make("prod", "WATCH=3", environment=environment)
        assert len(edge.containers("business_api")) == 3
        # Nothing else is replaced.
        assert others <= {each.id for each in edge.stack.containers(ended=False)}
        answer = edge.call("GET", "/api/v1/orders?limit=1")
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072001"
        asked = set()
        for _ in range(12):
            answer = edge.call("GET", "/api/v1/orders?limit=1")
            assert answer.status == 200
            asked.add(answer.headers["X-Request-ID"])
            time.sleep(0.06)

        def logged() -> list[dict[str, Any]]:
            lines = edge.stack.lines("gateway", tail=40)
            requests = [json.loads(line) for line in lines if line.startswith("{")]
            return [request for request in requests if request["request_id"] in asked]

        eventually(lambda: len(logged()) == 12)
        assert len({request["upstream"] for request in logged()}) == 3
    finally:
        project.git("checkout", "--", ".")
        project.write(".env", settings)


def test_a_certificate_from_an_authority_is_installed_and_served(
    edge: Edge, tmp_path: Path
) -> None:
    """Certbot's image cannot be had everywhere: in its place a script checks how it is called."""
    project = edge.stack.project
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
    certbot = (
        "  certbot:\n    image: postgres:17-trixie\n    entrypoint: [sh, /fake/certbot]\n"
        "    volumes: [./fake:/fake]\n"
    )
    override = project.path / "docker-compose.override.yml"
    before = override.read_text() if override.exists() else "services:\n"
    override.write_text(before + certbot)
    kept = {path: path.read_bytes() for path in (project.path / "certs").iterdir()}
    try:
        environment = edge.stack.environment
        refused = project.make("letsencrypt", check=False, environment=environment)
        assert "EMAIL=you@example.org" in refused.stdout
        project.make("letsencrypt", "EMAIL=me@shop.example", environment=environment)
        calls = (folder / "calls").read_text()
        assert "certonly --webroot --webroot-path /var/www/acme" in calls
        assert "--domain localhost" in calls
        served = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
        url = f"{edge.orders}?limit=1"
        headers = dict(edge.headers)
        eventually(lambda: call("GET", url, headers=headers, context=served).status == 200)
        project.make("renew", environment=environment)
        assert "renew" in (folder / "calls").read_text()
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
        override.write_text(before + "  {}\n" * (before == "services:\n"))
        edge.stack.execute("gateway", "nginx", "-s", "reload")


# --- limits


def test_a_client_has_so_many_requests_at_a_time(limited: Edge) -> None:
    begun = f"GET /api/v1/orders HTTP/1.1\r\n{HEAD}Content-Length: 9\r\n\r\n{{"

    def begin(_: int) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", limited.https_port), timeout=30)
        client = limited.context.wrap_socket(plain, server_hostname="localhost")
        client.sendall(begun.replace("{id}", uuid4().hex).encode())
        return client

    def is_refused() -> bool:
        time.sleep(3)  # fewer than the burst of the rate's bucket, which is empty again
        # All at once: the gateway waits for the rest of a request for ten seconds only.
        with ThreadPoolExecutor(30) as pool, ExitStack() as unfinished:
            for client in pool.map(begin, range(30)):
                unfinished.enter_context(client)
            return limited.call("GET", "/api/v1/orders?limit=1").status == 429

    eventually(is_refused)
    eventually(lambda: limited.call("GET", "/api/v1/orders?limit=1").status == 200)


def test_a_client_that_asks_too_often_gets_429(limited: Edge) -> None:
    answers: list[Answer] = []

    def is_limited() -> bool:
        with ThreadPoolExecutor(20) as pool:
            asked = pool.map(lambda _: limited.call("GET", "/api/v1/orders?limit=1"), many)
            answers[:] = asked
        return {answer.status for answer in answers} == {200, 429}

    # A machine that is busy with something else may answer so slowly that nobody is too often.
    many = range(BURST * 3)
    eventually(is_limited)
    refused = next(answer for answer in answers if answer.status == 429)
    problem(refused, 429)
    assert refused.headers["Retry-After"] == "1"
    eventually(lambda: limited.call("GET", "/api/v1/orders?limit=1").status == 200)


def test_writing_has_a_limit_of_its_own(limited: Edge) -> None:
    time.sleep(3)  # both buckets are empty again
    answers = [limited.call("POST", "/api/v1/orders", {"lines": []}) for _ in range(25)]
    assert {answer.status for answer in answers} == {422, 429}
    assert limited.call("GET", "/api/v1/orders?limit=1").status == 200
    time.sleep(3)
